// narrow — y = x, rounded to f16
// Shapes:   x[L] -> y[L]
// Dispatch: one invocation per word of y, which holds two elements, WG threads in linear order; needs: f32 only
// Method:   on the bits, to the nearest and half-way to the even one, as the host does: no adapter's own conversion
// Source:   IEEE 754-2019 section 3.4; CPU twin cast.cpu.ts
// Checked:  test/conformance.spec.ts, exactly the twin's values
@group(0) @binding(0) var<storage, read> x_L: array<f32>; // [L] f32
@group(0) @binding(1) var<storage, read_write> y_L: array<u32>; // [L] f16, two in a word, the first one low
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;

fn rounded(kept: u32, rest: u32, middle: u32) -> u32 {
  return kept + select(0u, 1u, rest > middle || (rest == middle && (kept & 1u) == 1u));
}

fn half_bits(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return 0x7e00u;
  }
  // 65520 and more is nearer to 2^16, which is infinite.
  if (magnitude >= 0x477ff000u) {
    return sign | 0x7c00u;
  }
  if (magnitude >= 0x38800000u) {
    let rebased = magnitude - 0x38000000u;
    return sign | rounded(rebased >> 13u, rebased & 0x1fffu, 0x1000u);
  }
  // Below 2^-14 the unit is 2^-24; below 2^-25 there is nothing left of it.
  let exponent = magnitude >> 23u;
  if (exponent < 102u) {
    return sign;
  }
  let shift = 126u - exponent;
  let significand = (magnitude & 0x7fffffu) | 0x800000u;
  return sign | rounded(significand >> shift, significand & ((1u << shift) - 1u), 1u << (shift - 1u));
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
  var bits = half_bits(x_L[index]);
  if (index + 1u < L) {
    bits |= half_bits(x_L[index + 1u]) << 16u;
  }
  y_L[word] = bits;
}
