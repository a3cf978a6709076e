// rmsnorm_forward — y = x * rstd * weight, rstd = 1 / sqrt(mean(x²) + eps), per row
// Shapes:   x[N,C] weight[C] -> y[N,C] rstd[N]
// Dispatch: one invocation per row, WG threads; needs: f32 only
// Method:   one pass for the squares, one for the output; x read twice
// Source:   Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4, eps inside the root; CPU twin rmsnorm.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest entry vs f64
// In f16:   x_NC y_NC
@group(0) @binding(0) var<storage, read> x_NC: array<f32>; // [N,C] input
@group(0) @binding(1) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(2) var<storage, read_write> y_NC: array<f32>; // [N,C] output
@group(0) @binding(3) var<storage, read_write> rstd_N: array<f32>; // [N] kept for the backward
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;

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
  var squares = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let i_end = C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let x = x_NC[start + i];
    squares += x * x;
  }
  let rstd = 1.0 / sqrt(squares / f32(C) + EPSILON);
  for (var i = 0u; i < i_end; i++) {
    y_NC[start + i] = x_NC[start + i] * rstd * weight_C[i];
  }
  rstd_N[row] = rstd;
}
