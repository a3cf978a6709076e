// rmsnorm_backward_input — dx = rstd (g - n mean(g n)) (+ residual), g = dy * weight, n = x rstd
// Shapes:   dy[N,C] x[N,C] weight[C] rstd[N] residual[N,C] -> dx[N,C]
// Dispatch: one invocation per row, WG threads; needs: f32 only
// Method:   one pass for the row mean, one for the output
// Source:   derivative of Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; CPU twin rmsnorm.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest entry vs f64
// In f16:   dy_NC x_NC residual_NC dx_NC
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(mean(x²) + eps)
@group(0) @binding(4) var<storage, read> residual_NC: array<f32>; // [N,C] read only if RESIDUAL
@group(0) @binding(5) var<storage, read_write> dx_NC: array<f32>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= N) {
    return;
  }
  let start = row * C;
  let rstd = rstd_N[row];
  var sum_gn = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let i_end = C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    sum_gn += dy_NC[start + i] * weight_C[i] * (x_NC[start + i] * rstd);
  }
  let mean_gn = sum_gn / f32(C);
  for (var i = 0u; i < i_end; i++) {
    let g = dy_NC[start + i] * weight_C[i];
    var dx = rstd * (g - x_NC[start + i] * rstd * mean_gn);
    if (RESIDUAL == 1u) {
      dx += residual_NC[start + i];
    }
    dx_NC[start + i] = dx;
  }
}
