// layernorm_forward — y = (x - mean) * rstd * weight + bias, per row
// Shapes:   x[N,C] weight[C] bias[C] -> y[N,C] mean[N] rstd[N]
// Dispatch: one invocation per row, WG threads; needs: f32 only
// Method:   two passes (mean, then squares of differences), then the output; x read three times
// Source:   Ba et al. 2016 (arXiv:1607.06450) eq. 3, eps inside the root; CPU twin layernorm.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest entry vs f64
// In f16:   x_NC y_NC
@group(0) @binding(0) var<storage, read> x_NC: array<f32>; // [N,C] input
@group(0) @binding(1) var<storage, read> weight_C: array<f32>; // [C] scale
@group(0) @binding(2) var<storage, read> bias_C: array<f32>; // [C] shift
@group(0) @binding(3) var<storage, read_write> y_NC: array<f32>; // [N,C] output
@group(0) @binding(4) var<storage, read_write> mean_N: array<f32>; // [N] row means, kept for the backward
@group(0) @binding(5) var<storage, read_write> rstd_N: array<f32>; // [N] 1 / sqrt(biased variance + eps)
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
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let i_end = C * groups.z;
  for (var i = 0u; i < i_end; i++) {
    sum += x_NC[start + i];
  }
  let mean = sum / f32(C);
  var squares = 0.0;
  for (var i = 0u; i < i_end; i++) {
    let difference = x_NC[start + i] - mean;
    squares += difference * difference;
  }
  let rstd = 1.0 / sqrt(squares / f32(C) + EPSILON);
  for (var i = 0u; i < i_end; i++) {
    y_NC[start + i] = (x_NC[start + i] - mean) * rstd * weight_C[i] + bias_C[i];
  }
  mean_N[row] = mean;
  rstd_N[row] = rstd;
}
