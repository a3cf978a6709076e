// widen — y = x, of f16, in f32
// Shapes:   x[L] -> y[L]
// Dispatch: one invocation per word of x, which holds two elements, WG threads in linear order; needs: f32 only
// Method:   on the bits: exact, subnormal numbers included
// Source:   IEEE 754-2019 section 3.4; CPU twin cast.cpu.ts
// Checked:  test/conformance.spec.ts, exactly the twin's values
@group(0) @binding(0) var<storage, read> x_L: array<u32>; // [L] f16, two in a word, the first one low
@group(0) @binding(1) var<storage, read_write> y_L: array<f32>; // [L] f32
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;

fn value(half_bits: u32) -> f32 {
  let sign = (half_bits & 0x8000u) << 16u;
  let magnitude = half_bits & 0x7fffu;
  if (magnitude >= 0x7c00u) {
    return bitcast<f32>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13u));
  }
  if (magnitude < 0x400u) {
    return bitcast<f32>(sign | bitcast<u32>(f32(magnitude) * 0x1p-24));
  }
  return bitcast<f32>(sign | ((magnitude << 13u) + 0x38000000u));
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let word = (first_group + group.y * groups.x + group.x) * WG + lane;
  let index = word * 2u;
  if (index >= L) {
    return;
  }
  let bits = x_L[word];
  y_L[index] = value(bits & 0xffffu);
  if (index + 1u < L) {
    y_L[index + 1u] = value(bits >> 16u);
  }
}
