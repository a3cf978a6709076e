// rmsnorm_backward_weight — dweight = Σ dy n (+ dweight) over rows, n = x rstd
// Shapes:   dy[N,C] x[N,C] rstd[N] -> dweight[C]
// Dispatch: one invocation per column, WG threads; needs: f32 only
// Method:   rows in ascending order, so the result does not depend on the launch
// Source:   derivative of Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; CPU twin rmsnorm.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest entry vs f64
// In f16:   dy_NC x_NC
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(mean(x²) + eps)
@group(0) @binding(3) var<storage, read_write> dweight_C: array<f32>; // [C] read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override ACCUMULATE: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (column >= C) {
    return;
  }
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let row_end = N * groups.z;
  for (var row = 0u; row < row_end; row++) {
    sum += dy_NC[row * C + column] * (x_NC[row * C + column] * rstd_N[row]);
  }
  if (ACCUMULATE == 1u) {
    sum += dweight_C[column];
  }
  dweight_C[column] = sum;
}
