// attention_scores_backward — g[i,j] = dy_i · v_j for j <= i: gradient of the probabilities
// Shapes:   dy[B,T,HD] qkv[B,T,(H+2G)D] -> dscores[B,H,T,T]
// Dispatch: one invocation per element of dscores, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending d; entries above the diagonal are left as they are
// Source:   derivative of Vaswani et al. 2017 (arXiv:1706.03762) eq. 1; CPU twin attention-backward.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dy_BTC: array<f32>; // [B,T,HD] gradient of the output
@group(0) @binding(1) var<storage, read> qkv_BTE: array<f32>; // [B,T,(H+2G)D] projections
@group(0) @binding(2) var<storage, read_write> dscores_BHTT: array<f32>; // [B,H,T,T] products
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override H: u32;
override G: u32;
override D: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= B * H * T * T) {
    return;
  }
  let j = index % T;
  let i = (index / T) % T;
  if (j > i) {
    return;
  }
  let head = index / (T * T);
  let width = H * D;
  let b = head / H;
  let column = (head % H) * D;
  let dy_start = (b * T + i) * width + column;
  let v_start = ((b * T + j) * (H + 2u * G) + H + G + (head % H) / (H / G)) * D;
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let d_end = D * groups.z;
  for (var d = 0u; d < d_end; d++) {
    sum += dy_BTC[dy_start + d] * qkv_BTE[v_start + d];
  }
  dscores_BHTT[index] = sum;
}
