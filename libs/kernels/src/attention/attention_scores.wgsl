// attention_scores — s[i,j] = q_i · k_j / sqrt(D) for j <= i, per batch row and head
// Shapes:   qkv[B,T,(H+2G)D] (columns q|k|v, head h = columns hD..; h reads key head hG/H) -> scores[B,H,T,T]
// Dispatch: one invocation per element of scores, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending d; entries above the diagonal are left as they are
// Source:   Vaswani et al. 2017 (arXiv:1706.03762) eq. 1; CPU twin attention.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> queries_BTE: array<f32>; // [B,T,(H+2G)D] projections, q columns read
@group(0) @binding(1) var<storage, read> keys_BTE: array<f32>; // [B,T,(H+2G)D] the same tensor, k columns read
@group(0) @binding(2) var<storage, read_write> scores_BHTT: array<f32>; // [B,H,T,T] scaled products
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
  let stride = (H + 2u * G) * D;
  let base = (head / H) * T * stride;
  let q_start = base + i * stride + (head % H) * D;
  let k_start = base + j * stride + (H + (head % H) / (H / G)) * D;
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let d_end = D * groups.z;
  for (var d = 0u; d < d_end; d++) {
    sum += queries_BTE[q_start + d] * keys_BTE[k_start + d];
  }
  scores_BHTT[index] = sum * inverseSqrt(f32(D));
}
