// attention_tn_subgroup — c = aᵀ b per head, a lower triangular (0 above the diagonal)
// Shapes:   a[T,T] b[T,D] -> c[T,D]; all sizes, strides and offsets % 4 = 0
// Dispatch: one subgroup of 8 invocations per 16 x 32 tile, tiles of a head in a row; needs: subgroups, size 8
// Method:   register tile with broadcast as in matmul_tn_subgroup; k begins at the diagonal
// Source:   Vaswani et al. 2017 (arXiv:1706.03762) eq. 1 and its derivative; CPU twins attention*.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
enable subgroups;

@group(0) @binding(0) var<storage, read> a: array<vec4f>; // [..,T,T] left factor of every head
@group(0) @binding(1) var<storage, read> b: array<vec4f>; // [..,T,D] right factor of every head
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>; // [..,T,D] product of every head
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override H: u32; // heads of a batch row
override HEADS: u32; // heads of all batch rows
override M: u32;
override K: u32;
override N: u32;
// Where head h of batch row b begins, and from one row to the next, in elements: b * BATCH + h * HEAD + OFFSET.
override A_BATCH: u32;
override A_HEAD: u32;
override A_OFFSET: u32;
override A_STRIDE: u32;
override B_BATCH: u32;
override B_HEAD: u32;
override B_OFFSET: u32;
override B_STRIDE: u32;
override C_BATCH: u32;
override C_HEAD: u32;
override C_OFFSET: u32;
override C_STRIDE: u32;
const ROWS = 16u;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + 31u) / 32u;
  let tiles = tiles_across * ((M + ROWS - 1u) / ROWS);
  let index = first_group + group.y * groups.x + group.x;
  let head = index / tiles;
  let row = (index % tiles) / tiles_across * ROWS;
  let column = (index % tiles_across) * 32u + lane * 4u;
  if (head >= HEADS) {
    return;
  }
  let a_start = (head / H * A_BATCH + head % H * A_HEAD + A_OFFSET) / 4u;
  let b_start = (head / H * B_BATCH + head % H * B_HEAD + B_OFFSET) / 4u;
  // Lanes beyond the edge work on the last row or column again and store nothing.
  let safe_column = min(column, N - 4u);
  // Lanes 0..3 hold four k of the first four of eight rows, lanes 4..7 of the other four.
  let a_lane = a_start + (lane % 4u) * (A_STRIDE / 4u);
  let a_low = a_lane + min(row / 4u + lane / 4u, M / 4u - 1u);
  let a_high = a_lane + min(row / 4u + 2u + lane / 4u, M / 4u - 1u);
  let b_column = b_start + safe_column / 4u;
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  var c4 = vec4f();
  var c5 = vec4f();
  var c6 = vec4f();
  var c7 = vec4f();
  var c8 = vec4f();
  var c9 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  var c12 = vec4f();
  var c13 = vec4f();
  var c14 = vec4f();
  var c15 = vec4f();
  for (var k = row; k < K; k += 4u) {
    let low = a[a_low + k * (A_STRIDE / 4u)];
    let high = a[a_high + k * (A_STRIDE / 4u)];
    let start = b_column + k * (B_STRIDE / 4u);
    let right = mat4x4f(
      b[start], b[start + B_STRIDE / 4u], b[start + B_STRIDE / 4u * 2u], b[start + B_STRIDE / 4u * 3u],
    );
    let a0 = transpose(mat4x4f(
      subgroupBroadcast(low, 0u), subgroupBroadcast(low, 1u),
      subgroupBroadcast(low, 2u), subgroupBroadcast(low, 3u),
    ));
    c0 += right * a0[0];
    c1 += right * a0[1];
    c2 += right * a0[2];
    c3 += right * a0[3];
    let a1 = transpose(mat4x4f(
      subgroupBroadcast(low, 4u), subgroupBroadcast(low, 5u),
      subgroupBroadcast(low, 6u), subgroupBroadcast(low, 7u),
    ));
    c4 += right * a1[0];
    c5 += right * a1[1];
    c6 += right * a1[2];
    c7 += right * a1[3];
    let a2 = transpose(mat4x4f(
      subgroupBroadcast(high, 0u), subgroupBroadcast(high, 1u),
      subgroupBroadcast(high, 2u), subgroupBroadcast(high, 3u),
    ));
    c8 += right * a2[0];
    c9 += right * a2[1];
    c10 += right * a2[2];
    c11 += right * a2[3];
    let a3 = transpose(mat4x4f(
      subgroupBroadcast(high, 4u), subgroupBroadcast(high, 5u),
      subgroupBroadcast(high, 6u), subgroupBroadcast(high, 7u),
    ));
    c12 += right * a3[0];
    c13 += right * a3[1];
    c14 += right * a3[2];
    c15 += right * a3[3];
  }
  var sums = array<vec4f, ROWS>(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15);
  if (column >= N) {
    return;
  }
  let c_start = (head / H * C_BATCH + head % H * C_HEAD + C_OFFSET + column) / 4u;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let i_end = min(ROWS, M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    c[c_start + (row + i) * (C_STRIDE / 4u)] = sums[i];
  }
}
