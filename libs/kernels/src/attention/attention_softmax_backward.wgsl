// attention_softmax_backward — ds[i,j] = p[i,j] (g[i,j] - Σ p[i,·] g[i,·]) / sqrt(D) for j <= i, else 0
// Shapes:   probabilities[B,H,T,T] dscores[B,H,T,T] (g on entry) -> dscores[B,H,T,T]
// Dispatch: one invocation per row, WG threads; needs: f32 only
// Method:   the row's inner product in ascending order, then the output in place
// Source:   derivative of Vaswani et al. 2017 (arXiv:1706.03762) eq. 1; CPU twin attention-backward.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> probabilities_BHTT: array<f32>; // [B,H,T,T] causal softmax
@group(0) @binding(1) var<storage, read_write> dscores_BHTT: array<f32>; // [B,H,T,T] g in, gradient of q·k out
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;
override D: u32;

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
  var inner = 0.0;
  for (var j = 0u; j < count; j++) {
    inner += probabilities_BHTT[start + j] * dscores_BHTT[start + j];
  }
  // In the order in which compilers multiply where D is a constant, so that the bits are the same where it is none.
  let scale = inverseSqrt(f32(D));
  for (var j = 0u; j < count; j++) {
    dscores_BHTT[start + j] = probabilities_BHTT[start + j] * scale * (dscores_BHTT[start + j] - inner);
  }
  for (var j = count; j < T; j++) {
    dscores_BHTT[start + j] = 0.0;
  }
}
