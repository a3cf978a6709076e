// attention_softmax — p[i,j] = exp(s[i,j]) / sum over j' <= i of exp(s[i,j']) for j <= i, else 0, in place
// Shapes:   probabilities[B,H,T,T] (scores on entry) -> probabilities[B,H,T,T]
// Dispatch: one invocation per row, WG threads; needs: f32 only
// Method:   row maximum, exponentials and their sum in ascending order, division; the causal mask is the loop bound
// Source:   Vaswani et al. 2017 (arXiv:1706.03762) eq. 1; CPU twin attention.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read_write> probabilities_BHTT: array<f32>; // [B,H,T,T] scores in, probabilities out
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (row >= B * H * T) {
    return;
  }
  let start = row * T;
  let count = row % T + 1u;
  var maximum = probabilities_BHTT[start];
  for (var j = 1u; j < count; j++) {
    maximum = max(maximum, probabilities_BHTT[start + j]);
  }
  var sum = 0.0;
  for (var j = 0u; j < count; j++) {
    let e = exp(probabilities_BHTT[start + j] - maximum);
    probabilities_BHTT[start + j] = e;
    sum += e;
  }
  for (var j = 0u; j < count; j++) {
    probabilities_BHTT[start + j] = probabilities_BHTT[start + j] / sum;
  }
  for (var j = count; j < T; j++) {
    probabilities_BHTT[start + j] = 0.0;
  }
}
