// attention_query_backward — dq_i = sum over j <= i of ds[i,j] k_j, per batch row and head
// Shapes:   dscores[B,H,T,T] qkv[B,T,(H+2G)D] -> dqkv[B,T,(H+2G)D], its q columns
// Dispatch: one invocation per element of those columns, WG threads in linear order; needs: f32 only
// Method:   ascending j up to the diagonal
// Source:   derivative of Vaswani et al. 2017 (arXiv:1706.03762) eq. 1; CPU twin attention-backward.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> dscores_BHTT: array<f32>; // [B,H,T,T] gradient of q·k
@group(0) @binding(1) var<storage, read> qkv_BTE: array<f32>; // [B,T,(H+2G)D] projections
@group(0) @binding(2) var<storage, read_write> dqkv_BTE: array<f32>; // [B,T,(H+2G)D] gradient, q columns written
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
  let width = H * D;
  if (index >= B * T * width) {
    return;
  }
  let column = index % width;
  let t = (index / width) % T;
  let b = index / (width * T);
  let square = (b * H + column / D) * T * T;
  let stride = (H + 2u * G) * D;
  let k_start = b * T * stride + (H + column / D / (H / G)) * D + column % D;
  var sum = 0.0;
  for (var j = 0u; j <= t; j++) {
    sum += dscores_BHTT[square + t * T + j] * qkv_BTE[k_start + j * stride];
  }
  dqkv_BTE[(b * T + t) * stride + column] = sum;
}
