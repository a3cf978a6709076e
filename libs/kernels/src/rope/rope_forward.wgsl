// rope_forward — qkv = q and k with their halves turned by the position's angles, and v, side by side
// Shapes:   q[B,T,H,D] k[B,T,G,D] v[B,T,G,D] table[T,D] (cos of D/2 angles | sin) -> qkv[B,T,(H+2G)D]
// Dispatch: one invocation per element of qkv, WG threads in linear order; needs: f32 only
// Method:   element j of a head pairs with J = j + D/2: out[j] = x[j] cos - x[J] sin, out[J] = x[J] cos + x[j] sin
// Source:   Su et al. 2021 (arXiv:2104.09864) in Llama's form (rotate_half); CPU twin rope.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-6 of the largest entry vs f64
// In f16:   q_BTHD k_BTGD v_BTGD qkv_BTE
@group(0) @binding(0) var<storage, read> q_BTHD: array<f32>; // [B,T,H,D] queries
@group(0) @binding(1) var<storage, read> k_BTGD: array<f32>; // [B,T,G,D] keys
@group(0) @binding(2) var<storage, read> v_BTGD: array<f32>; // [B,T,G,D] values
@group(0) @binding(3) var<storage, read> table_TD: array<f32>; // [T,D] cosines, then sines
@group(0) @binding(4) var<storage, read_write> qkv_BTE: array<f32>; // [B,T,(H+2G)D] what attention reads
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
    qkv_BTE[index] = v_BTGD[row * G * D + column - (H + G) * D];
    return;
  }
  let half = D / 2u;
  let d = column % D;
  let is_low = d < half;
  let other = select(column - half, column + half, is_low);
  let angle = row % T * D + d % half;
  var x = 0.0;
  var partner = 0.0;
  if (column < H * D) {
    x = q_BTHD[row * H * D + column];
    partner = q_BTHD[row * H * D + other];
  } else {
    x = k_BTGD[row * G * D + column - H * D];
    partner = k_BTGD[row * G * D + other - H * D];
  }
  qkv_BTE[index] = x * table_TD[angle] + select(partner, -partner, is_low) * table_TD[angle + half];
}
