// matmul_nt_subgroup — c = a bᵀ (+ c), for software drivers with subgroups of 8 lanes
// Shapes:   a[M,K] b[N,K] -> c[M,N]          K % 4 = N % 4 = 0
// Dispatch: one subgroup of 8 invocations per 16 x 32 tile of c, in linear order; needs: subgroups, size 8
// Method:   a lane loads each value of the tile's 16 rows once and broadcasts it, and owns 4 columns: on a driver that
//           emulates lanes a load costs 20 times a multiply-add, a broadcast twice. Products added in ascending k
// Source:   register tiling as in Goto & van de Geijn 2008 (doi:10.1145/1356052.1356053); CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
enable subgroups;

@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K/4] left factor
@group(0) @binding(1) var<storage, read> b_NK: array<vec4f>; // [N,K/4] right factor, transposed
@group(0) @binding(2) var<storage, read_write> c_MN: array<vec4f>; // [M,N/4] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override C_STRIDE: u32; // from one row of c to the next
override ACCUMULATE: u32;
const ROWS = 16u;
const COLUMNS = 8u; // in vec4

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (N + 31u) / 32u;
  let row = (tile / tiles_across) * ROWS;
  let column = (tile % tiles_across) * COLUMNS + lane;
  if (row >= M) {
    return;
  }
  // Lanes beyond the edge work on the last row or column again and store nothing.
  let safe_column = min(column, N / 4u - 1u);
  let a_low = min(row + lane, M - 1u) * (K / 4u);
  let a_high = min(row + 8u + lane, M - 1u) * (K / 4u);
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
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K / 4u * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let low = a_MK[a_low + k];
    let high = a_MK[a_high + k];
    let start = safe_column * K + k;
    // A row of b holds four k of one column of c: transposed, each holds four columns of c at one k.
    let b = transpose(
      mat4x4f(b_NK[start], b_NK[start + K / 4u], b_NK[start + K / 4u * 2u], b_NK[start + K / 4u * 3u]),
    );
    c0 += b * subgroupBroadcast(low, 0u);
    c1 += b * subgroupBroadcast(low, 1u);
    c2 += b * subgroupBroadcast(low, 2u);
    c3 += b * subgroupBroadcast(low, 3u);
    c4 += b * subgroupBroadcast(low, 4u);
    c5 += b * subgroupBroadcast(low, 5u);
    c6 += b * subgroupBroadcast(low, 6u);
    c7 += b * subgroupBroadcast(low, 7u);
    c8 += b * subgroupBroadcast(high, 0u);
    c9 += b * subgroupBroadcast(high, 1u);
    c10 += b * subgroupBroadcast(high, 2u);
    c11 += b * subgroupBroadcast(high, 3u);
    c12 += b * subgroupBroadcast(high, 4u);
    c13 += b * subgroupBroadcast(high, 5u);
    c14 += b * subgroupBroadcast(high, 6u);
    c15 += b * subgroupBroadcast(high, 7u);
  }
  var c = array<vec4f, ROWS>(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15);
  if (column * 4u >= N) {
    return;
  }
  let i_end = min(ROWS, M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (C_STRIDE / 4u) + column;
    var sum = c[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}
