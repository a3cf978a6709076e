// cross_entropy_gradient — logits become their gradient: (softmax - onehot) scale[0], for some of the classes
// Shapes:   targets[N] lse[N] scale[1] -> logits[N,V]          V classes, from FIRST on
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   softmax is exp(logit - lse), where lse is over all classes; in place
// Source:   derivative of cross entropy; CPU twin cross-entropy.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> targets_N: array<u32>; // [N] class of each row, or IGNORED
@group(0) @binding(1) var<storage, read> lse_N: array<f32>; // [N] log of the sum of exponentials
@group(0) @binding(2) var<storage, read> scale_1: array<f32>; // [1] gradient of every row's loss
@group(0) @binding(3) var<storage, read_write> logits_NV: array<f32>; // [N,V] logits, then their gradient
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override V: u32;
override FIRST: u32; // the class of the first column
const IGNORED = 0xffffffffu;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= N * V) {
    return;
  }
  let row = index / V;
  let softmax = exp(logits_NV[index] - lse_N[row]);
  let target_id = targets_N[row];
  let onehot = select(0.0, 1.0, FIRST + index % V == target_id);
  logits_NV[index] = select((softmax - onehot) * scale_1[0], 0.0, target_id == IGNORED);
}
