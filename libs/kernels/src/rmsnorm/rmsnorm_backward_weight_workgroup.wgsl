// rmsnorm_backward_weight_workgroup — dweight = Σ dy n (+ dweight) over rows, n = x rstd
// Shapes:   dy[N,C] x[N,C] rstd[N] -> dweight[C]
// Dispatch: one workgroup of 256 invocations per 8 columns
// Method:   32 rows side by side, each in ascending steps of 32; then a tree in workgroup memory of fixed order
// Source:   llm.c (f1e2ace) layernorm.cuh, layernorm_backward_kernel10; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(N)) 2^-23 of the largest entry vs f64
// In f16:   dy_NC x_NC
@group(0) @binding(0) var<storage, read> dy_NC: array<f32>; // [N,C] gradient of the output
@group(0) @binding(1) var<storage, read> x_NC: array<f32>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(mean(x²) + eps)
@group(0) @binding(3) var<storage, read_write> dweight_C: array<f32>; // [C] read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override N: u32;
override C: u32;
override ACCUMULATE: u32;

alias Sum = f32;

// include column_sum

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first_column = (first_group + group.y * groups.x + group.x) * COLUMNS;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (first_column >= C) {
    return;
  }
  let column = first_column + lane % COLUMNS;
  // Columns beyond the edge add up the last one again and store nothing.
  let safe_column = min(column, C - 1u);
  let y = lane / COLUMNS;
  var sum = Sum();
  for (var row = y; row < N; row += LANES) {
    sum += dy_NC[row * C + safe_column] * (x_NC[row * C + safe_column] * rstd_N[row]);
  }
  var total = column_sum(sum, lane);
  if (y > 0u || column >= C) {
    return;
  }
  if (ACCUMULATE == 1u) {
    total += dweight_C[column];
  }
  dweight_C[column] = total;
}
