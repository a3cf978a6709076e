// matmul_tn_subgroup — c = aᵀ b (+ c), for software drivers with subgroups of 8 lanes
// Shapes:   a[K,M] b[K,N] -> c[M,N]          M % 4 = N % 4 = 0
// Dispatch: one subgroup of 8 invocations per 16 x 32 tile of c, in linear order; needs: subgroups, size 8
// Method:   a lane loads each value of the tile's 16 rows once and broadcasts it, and owns 4 columns: on a driver that
//           emulates lanes a load costs 20 times a multiply-add, a broadcast twice. Products added in ascending k
// Source:   register tiling as in Goto & van de Geijn 2008 (doi:10.1145/1356052.1356053); CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
enable subgroups;

@group(0) @binding(0) var<storage, read> a_KM: array<vec4f>; // [K,M/4] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N/4] right factor
@group(0) @binding(2) var<storage, read_write> c_MN: array<vec4f>; // [M,N/4] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32; // from one row of a to the next
override ACCUMULATE: u32;
override IS_WHOLE: bool = K % 4u == 0u;
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
  // Lanes 0..3 hold four k of the first four of eight rows, lanes 4..7 of the other four.
  let a_low = (lane % 4u) * (A_STRIDE / 4u) + min(row / 4u + lane / 4u, M / 4u - 1u);
  let a_high = (lane % 4u) * (A_STRIDE / 4u) + min(row / 4u + 2u + lane / 4u, M / 4u - 1u);
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
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k += 4u) {
    // Rows of a and b beyond K count as zeros; where K is a multiple of 4, both selects go away.
    let is_there = IS_WHOLE || k + lane % 4u < K;
    let low = select(vec4f(), a_KM[k * (A_STRIDE / 4u) + a_low], is_there);
    let high = select(vec4f(), a_KM[k * (A_STRIDE / 4u) + a_high], is_there);
    let start = k * (N / 4u) + safe_column;
    let b = mat4x4f(
      b_KN[start],
      select(vec4f(), b_KN[start + N / 4u], IS_WHOLE || k + 1u < K),
      select(vec4f(), b_KN[start + N / 4u * 2u], IS_WHOLE || k + 2u < K),
      select(vec4f(), b_KN[start + N / 4u * 3u], IS_WHOLE || k + 3u < K),
    );
    let a0 = transpose(mat4x4f(
      subgroupBroadcast(low, 0u), subgroupBroadcast(low, 1u),
      subgroupBroadcast(low, 2u), subgroupBroadcast(low, 3u),
    ));
    c0 += b * a0[0];
    c1 += b * a0[1];
    c2 += b * a0[2];
    c3 += b * a0[3];
    let a1 = transpose(mat4x4f(
      subgroupBroadcast(low, 4u), subgroupBroadcast(low, 5u),
      subgroupBroadcast(low, 6u), subgroupBroadcast(low, 7u),
    ));
    c4 += b * a1[0];
    c5 += b * a1[1];
    c6 += b * a1[2];
    c7 += b * a1[3];
    let a2 = transpose(mat4x4f(
      subgroupBroadcast(high, 0u), subgroupBroadcast(high, 1u),
      subgroupBroadcast(high, 2u), subgroupBroadcast(high, 3u),
    ));
    c8 += b * a2[0];
    c9 += b * a2[1];
    c10 += b * a2[2];
    c11 += b * a2[3];
    let a3 = transpose(mat4x4f(
      subgroupBroadcast(high, 4u), subgroupBroadcast(high, 5u),
      subgroupBroadcast(high, 6u), subgroupBroadcast(high, 7u),
    ));
    c12 += b * a3[0];
    c13 += b * a3[1];
    c14 += b * a3[2];
    c15 += b * a3[3];
  }
  var c = array<vec4f, ROWS>(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15);
  if (column * 4u >= N) {
    return;
  }
  let i_end = min(ROWS, M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (N / 4u) + column;
    var sum = c[i];
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}
