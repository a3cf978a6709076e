#expand matmul_nn_subgroup nn a_pitch=A_STRIDE c_pitch=N
#expand matmul_nt_subgroup nt a_pitch=K c_pitch=C_STRIDE
#expand matmul_tn_subgroup tn a_pitch=A_STRIDE c_pitch=N
#if nn
// ${name} — c = a b (+ bias) (+ residual) (+ c), for software drivers with subgroups of 8 lanes
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]          K % 4 = N % 4 = 0
#end
#if nt
// ${name} — c = a bᵀ (+ residual) (+ c), for software drivers with subgroups of 8 lanes
// Shapes:   a[M,K] b[N,K] residual[M,N] -> c[M,N]          K % 4 = N % 4 = 0
#end
#if tn
// ${name} — c = aᵀ b (+ c), for software drivers with subgroups of 8 lanes
// Shapes:   a[K,M] b[K,N] -> c[M,N]          M % 4 = N % 4 = 0
#end
// Dispatch: one subgroup of 8 invocations per 16 x 32 tile of c, in linear order; needs: subgroups, size 8
// Method:   a lane loads each value of the tile's 16 rows once and broadcasts it, and owns 4 columns: on a driver that
//           emulates lanes a load costs 20 times a multiply-add, a broadcast twice. Products added in ascending k
// Source:   register tiling as in Goto & van de Geijn 2008 (doi:10.1145/1356052.1356053); CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
#if nn
// In f16:   a_MK b_KN residual_MN c_MN
// In f16 (logits): b_KN
#end
#if nt
// In f16:   a_MK b_NK residual_MN c_MN
// In f16 (logits): a_MK b_NK
#end
#if tn
// In f16:   a_KM b_KN
// In f16 (logits): b_KN
#end
enable subgroups;

#if tn
@group(0) @binding(0) var<storage, read> a_KM: array<vec4f>; // [K,M/4] left factor, transposed
#else
@group(0) @binding(0) var<storage, read> a_MK: array<vec4f>; // [M,K/4] left factor
#end
#if nt
@group(0) @binding(1) var<storage, read> b_NK: array<vec4f>; // [N,K/4] right factor, transposed
#else
@group(0) @binding(1) var<storage, read> b_KN: array<vec4f>; // [K,N/4] right factor
#end
#if nn
@group(0) @binding(2) var<storage, read> bias_N: array<vec4f>; // [N/4] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<vec4f>; // [M,N/4] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<vec4f>; // [M,N/4] read only if ACCUMULATE or CONTINUED
#end
#if nt
@group(0) @binding(2) var<storage, read> residual_MN: array<vec4f>; // [M,N/4] read only if RESIDUAL, rows as those of c
@group(0) @binding(3) var<storage, read_write> c_MN: array<vec4f>; // [M,N/4] result, read only if ACCUMULATE
#end
#if tn
@group(0) @binding(2) var<storage, read_write> c_MN: array<vec4f>; // [M,N/4] result, read only if ACCUMULATE
#end
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
#if nt
override C_STRIDE: u32; // from one row of c to the next
#else
override A_STRIDE: u32; // from one row of a to the next
#end
#if nn
override BIAS: u32;
#end
#if !tn
override RESIDUAL: u32;
#end
override ACCUMULATE: u32;
#if nn
override CONTINUED: bool; // the sums go on from what c holds
#end
#if tn
override IS_WHOLE: bool; // K is a multiple of 4
#end
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
#if tn
  // Lanes 0..3 hold four k of the first four of eight rows, lanes 4..7 of the other four.
  let a_low = (lane % 4u) * (A_STRIDE / 4u) + min(row / 4u + lane / 4u, M / 4u - 1u);
  let a_high = (lane % 4u) * (A_STRIDE / 4u) + min(row / 4u + 2u + lane / 4u, M / 4u - 1u);
#else
  let a_low = min(row + lane, M - 1u) * (${a_pitch} / 4u);
  let a_high = min(row + 8u + lane, M - 1u) * (${a_pitch} / 4u);
#end
#for i 16
  var c${i} = vec4f();
#end
#if nn
  if (CONTINUED) {
#for i 16
    c${i} = c_MN[min(row + ${i}u, M - 1u) * (N / 4u) + safe_column];
#end
  }
#end
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
#if tn
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
#for r 4
    c${r} += b * a0[${r}];
#end
    let a1 = transpose(mat4x4f(
      subgroupBroadcast(low, 4u), subgroupBroadcast(low, 5u),
      subgroupBroadcast(low, 6u), subgroupBroadcast(low, 7u),
    ));
#for r 4
    c${r+4} += b * a1[${r}];
#end
    let a2 = transpose(mat4x4f(
      subgroupBroadcast(high, 0u), subgroupBroadcast(high, 1u),
      subgroupBroadcast(high, 2u), subgroupBroadcast(high, 3u),
    ));
#for r 4
    c${r+8} += b * a2[${r}];
#end
    let a3 = transpose(mat4x4f(
      subgroupBroadcast(high, 4u), subgroupBroadcast(high, 5u),
      subgroupBroadcast(high, 6u), subgroupBroadcast(high, 7u),
    ));
#for r 4
    c${r+12} += b * a3[${r}];
#end
  }
#else
  let k_end = K / 4u * groups.z;
  for (var k = 0u; k < k_end; k++) {
    let low = a_MK[a_low + k];
    let high = a_MK[a_high + k];
#if nt
    let start = safe_column * K + k;
    // A row of b holds four k of one column of c: transposed, each holds four columns of c at one k.
    let b = transpose(
      mat4x4f(b_NK[start], b_NK[start + K / 4u], b_NK[start + K / 4u * 2u], b_NK[start + K / 4u * 3u]),
    );
#else
    let start = k * N + safe_column;
    let b = mat4x4f(b_KN[start], b_KN[start + N / 4u], b_KN[start + N / 4u * 2u], b_KN[start + N / 4u * 3u]);
#end
#for i 8
    c${i} += b * subgroupBroadcast(low, ${i}u);
#end
#for i 8
    c${i+8} += b * subgroupBroadcast(high, ${i}u);
#end
  }
#end
  var c = array<vec4f, ROWS>(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15);
  if (column * 4u >= N) {
    return;
  }
#if nn
  var bias = vec4f();
  if (BIAS == 1u) {
    bias = bias_N[column];
  }
#end
  let i_end = min(ROWS, M - row) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let index = (row + i) * (${c_pitch} / 4u) + column;
#if nn
    var sum = c[i] + bias;
#else
    var sum = c[i];
#end
#if !tn
    if (RESIDUAL == 1u) {
      sum += residual_MN[index];
    }
#end
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
  }
}
