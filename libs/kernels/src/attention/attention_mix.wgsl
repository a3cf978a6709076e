// attention_mix — y_i = sum over j <= i of p[i,j] v_j, per batch row and head
// Shapes:   probabilities[B,H,T,T] qkv[B,T,(H+2G)D] -> y[B,T,HD]
// Dispatch: one invocation per element of y, WG threads in linear order; needs: f32 only
// Method:   ascending j up to the diagonal
// Source:   Vaswani et al. 2017 (arXiv:1706.03762) eq. 1; CPU twin attention.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> probabilities_BHTT: array<f32>; // [B,H,T,T] causal softmax
@group(0) @binding(1) var<storage, read> qkv_BTE: array<f32>; // [B,T,(H+2G)D] projections
@group(0) @binding(2) var<storage, read_write> y_BTC: array<f32>; // [B,T,HD] mixed values, heads side by side
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
  let i = (index / width) % T;
  let b = index / (width * T);
  let p_start = ((b * H + column / D) * T + i) * T;
  let stride = (H + 2u * G) * D;
  let v_start = b * T * stride + (H + G + column / D / (H / G)) * D + column % D;
  var sum = 0.0;
  for (var j = 0u; j <= i; j++) {
    sum += probabilities_BHTT[p_start + j] * qkv_BTE[v_start + j * stride];
  }
  y_BTC[index] = sum;
}
