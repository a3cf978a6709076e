// add — y = a + b
// Shapes:   a[L] b[L] -> y[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   elementwise
// Source:   definition; CPU twin add.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-7 of the largest entry vs f64
// In f16:   a_L b_L y_L
@group(0) @binding(0) var<storage, read> a_L: array<f32>; // [L] first summand
@group(0) @binding(1) var<storage, read> b_L: array<f32>; // [L] second summand
@group(0) @binding(2) var<storage, read_write> y_L: array<f32>; // [L] sum
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= L) {
    return;
  }
  y_L[index] = a_L[index] + b_L[index];
}
