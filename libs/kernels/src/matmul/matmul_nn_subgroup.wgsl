// matmul_nn_subgroup — c = a b (+ bias) (+ residual) (+ c), for software drivers with subgroups of 8 lanes
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]          K % 4 = N % 4 = 0
// Dispatch: one subgroup of 8 invocations per 16 x 32 tile of c, in linear order; needs: subgroups, size 8
// Method:   a lane loads each value of the tile's 16 rows once and broadcasts it, and owns 4 columns: on a driver that
//           emulates lanes a load costs 20 times a multiply-add, a broadcast twice. Products added in ascending k
// Source:   register tiling as in Goto & van de Geijn 2008 (doi:10.1145/1356052.1356053); CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
enable subgroups;

@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K/4] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N/4] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<vec4f>; // [N/4] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<vec4f>; // [M,N/4] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<vec4f>; // [M,N/4] read only if ACCUMULATE or CONTINUED
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32; // from one row of a to the next
override BIAS: u32;
override RESIDUAL: u32;
override ACCUMULATE: u32;
override CONTINUED: u32; // the sums go on from what c holds
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
  let a_low = min(row + lane, M - 1u) * (A_STRIDE / 4u);
  let a_high = min(row + 8u + lane, M - 1u) * (A_STRIDE / 4u);
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
  if (CONTINUED == 1u) {
    c0 = c_MN[min(row + 0u, M - 1u) * (N / 4u) + safe_column];
    c1 = c_MN[min(row + 1u, M - 1u) * (N / 4u) + safe_column];
    c2 = c_MN[min(row + 2u, M - 1u) * (N / 4u) + safe_column];
    c3 = c_MN[min(row + 3u, M - 1u) * (N / 4u) + safe_column];
    c4 = c_MN[min(row + 4u, M - 1u) * (N / 4u) + safe_column];
    c5 = c_MN[min(row + 5u, M - 1u) * (N / 4u) + safe_column];
    c6 = c_MN[min(row + 6u, M - 1u) * (N / 4u) + safe_column];
    c7 = c_MN[min(row + 7u, M - 1u) * (N / 4u) + safe_column];
    c8 = c_MN[min(row + 8u, M - 1u) * (N / 4u) + safe_column];
    c9 = c_MN[min(row + 9u, M - 1u) * (N / 4u) + safe_column];
    c10 = c_MN[min(row + 10u, M - 1u) * (N / 4u) + safe_column];
    c11 = c_MN[min(row + 11u, M - 1u) * (N / 4u) + safe_column];
    c12 = c_MN[min(row + 12u, M - 1u) * (N / 4u) + safe_column];
    c13 = c_MN[min(row + 13u, M - 1u) * (N / 4u) + safe_column];
    c14 = c_MN[min(row + 14u, M - 1u) * (N / 4u) + safe_column];
    c15 = c_MN[min(row + 15u, M - 1u) * (N / 4u) + safe_column];
  }
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K / 4u * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let low = a_MK[a_low + k];
    let high = a_MK[a_high + k];
    let start = k * N + safe_column;
    let b = mat4x4f(b_KN[start], b_KN[start + N / 4u], b_KN[start + N / 4u * 2u], b_KN[start + N / 4u * 3u]);
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
  var bias = vec4f();
  if (BIAS == 1u) {
    bias = bias_N[column];
  }
  let i_end = min(ROWS, M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (N / 4u) + column;
    var sum = c[i] + bias;
    if (RESIDUAL == 1u) {
      sum += residual_MN[index];
    }
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}
