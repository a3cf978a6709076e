// cross_entropy_forward — loss = lse - logit of the target, lse = log(sum exp(logits)), per row; ignored rows lose 0
// Shapes:   logits[N,V] targets[N] -> loss[N] lse[N]
// Dispatch: one invocation per row, WG threads; needs: f32 only
// Method:   row maximum, then the sum of exp(logit - maximum) in ascending order; logits read twice
// Source:   definition (natural logarithm); CPU twin cross-entropy.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> logits_NV: array<f32>; // [N,V] logits of each row
@group(0) @binding(1) var<storage, read> targets_N: array<u32>; // [N] class of each row, < V, or IGNORED
@group(0) @binding(2) var<storage, read_write> loss_N: array<f32>; // [N] loss of each row
@group(0) @binding(3) var<storage, read_write> lse_N: array<f32>; // [N] log of the sum of exponentials
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override V: u32;
// -1 as u32: a row that counts nothing.
const IGNORED = 0xffffffffu;

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
  let start = row * V;
  var maximum = logits_NV[start];
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let i_end = V * groups.z;
  for (var i = 1u; i < i_end; i++) {
    maximum = max(maximum, logits_NV[start + i]);
  }
  var sum = 0.0;
  for (var i = 0u; i < i_end; i++) {
    sum += exp(logits_NV[start + i] - maximum);
  }
  let lse = maximum + log(sum);
  lse_N[row] = lse;
  let target_id = targets_N[row];
  if (target_id == IGNORED) {
    loss_N[row] = 0.0;
  } else {
    loss_N[row] = lse - logits_NV[start + target_id];
  }
}
