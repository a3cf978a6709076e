// rope_backward — gradients of q and k turned back by the position's angles, and that of v, each apart
// Shapes:   dqkv[B,T,(H+2G)D] table[T,D] (cos of D/2 angles | sin) -> dq[B,T,H,D] dk[B,T,G,D] dv[B,T,G,D]
// Dispatch: one invocation per element of dqkv, WG threads in linear order; needs: f32 only
// Method:   the transpose of the forward: dx[j] = g[j] cos + g[j+D/2] sin, dx[j+D/2] = g[j+D/2] cos - g[j] sin
// Source:   derivative of Su et al. 2021 (arXiv:2104.09864) in Llama's form; CPU twin rope.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-6 of the largest entry vs f64
// In f16:   dqkv_BTE dq_BTHD dk_BTGD dv_BTGD
@group(0) @binding(0) var<storage, read> dqkv_BTE: array<f32>; // [B,T,(H+2G)D] gradient of what attention reads
@group(0) @binding(1) var<storage, read> table_TD: array<f32>; // [T,D] cosines, then sines
@group(0) @binding(2) var<storage, read_write> dq_BTHD: array<f32>; // [B,T,H,D] gradient of the queries
@group(0) @binding(3) var<storage, read_write> dk_BTGD: array<f32>; // [B,T,G,D] gradient of the keys
@group(0) @binding(4) var<storage, read_write> dv_BTGD: array<f32>; // [B,T,G,D] gradient of the values
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
  let width = (H + 2u * G) * D;
  if (index >= B * T * width) {
    return;
  }
  let row = index / width;
  let column = index % width;
  if (column >= (H + G) * D) {
    dv_BTGD[row * G * D + column - (H + G) * D] = dqkv_BTE[index];
    return;
  }
  let half = D / 2u;
  let d = column % D;
  let is_low = d < half;
  let other = select(index - half, index + half, is_low);
  let angle = row % T * D + d % half;
  let partner = dqkv_BTE[other];
  let dx = dqkv_BTE[index] * table_TD[angle] + select(-partner, partner, is_low) * table_TD[angle + half];
  if (column < H * D) {
    dq_BTHD[row * H * D + column] = dx;
  } else {
    dk_BTGD[row * G * D + column - H * D] = dx;
  }
}
