#expand matmul_nn_workgroup nn a_pitch=A_STRIDE c_pitch=N
#expand matmul_nt_workgroup nt a_pitch=K c_pitch=C_STRIDE
#expand matmul_tn_workgroup tn a_pitch=A_STRIDE c_pitch=N
#if nn
// ${name} — c = a b (+ bias) (+ residual) (+ c), any size, for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]
#end
#if nt
// ${name} — c = a bᵀ (+ residual) (+ c), any size, for GPUs
// Shapes:   a[M,K] b[N,K] residual[M,N] -> c[M,N]
#end
#if tn
// ${name} — c = aᵀ b (+ c), any size, for GPUs
// Shapes:   a[K,M] b[K,N] -> c[M,N]
#end
// Dispatch: one workgroup of 256 invocations per 64 x 64 tile of c, in linear order; needs: 256 invocations, 8 KiB
// Method:   16 k at a time through workgroup memory (zeros beyond the edges), 4 x 4 results per invocation, ascending k
// Source:   tiling as in Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); CPU twin matmul.cpu.ts
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
#if tn
@group(0) @binding(0) var<storage, read> a_KM: array<f32>; // [K,M] left factor, transposed
#else
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
#end
#if nt
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
#else
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
#end
#if nn
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE or CONTINUED
#end
#if nt
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL, rows as those of c
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
#end
#if tn
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
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
const TILE = 64u;
const STEP = 16u;
var<workgroup> a_tile: array<array<f32, TILE>, STEP>; // [k][row]
var<workgroup> b_tile: array<array<f32, TILE>, STEP>; // [k][column]

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = first_group + group.y * groups.x + group.x;
  let tiles_across = (N + TILE - 1u) / TILE;
  let tile_row = tile / tiles_across * TILE;
  let tile_column = tile % tiles_across * TILE;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (tile_row >= M) {
    return;
  }
  // Results are 16 apart, so that neighbours read neighbouring words of workgroup memory.
  let x = lane % 16u;
  let y = lane / 16u;
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
#if nn
  if (CONTINUED) {
    let rows = min(tile_row + y + vec4u(0u, 16u, 32u, 48u), vec4u(M - 1u)) * N;
    let columns = min(tile_column + x + vec4u(0u, 16u, 32u, 48u), vec4u(N - 1u));
    c0 = vec4f(c_MN[rows.x + columns.x], c_MN[rows.x + columns.y], c_MN[rows.x + columns.z], c_MN[rows.x + columns.w]);
    c1 = vec4f(c_MN[rows.y + columns.x], c_MN[rows.y + columns.y], c_MN[rows.y + columns.z], c_MN[rows.y + columns.w]);
    c2 = vec4f(c_MN[rows.z + columns.x], c_MN[rows.z + columns.y], c_MN[rows.z + columns.z], c_MN[rows.z + columns.w]);
    c3 = vec4f(c_MN[rows.w + columns.x], c_MN[rows.w + columns.y], c_MN[rows.w + columns.z], c_MN[rows.w + columns.w]);
  }
#end
  for (var start = 0u; start < K; start += STEP) {
    for (var i = lane; i < TILE * STEP; i += 256u) {
      {
#if tn
        let k = i / TILE;
        let row = i % TILE;
#else
        let k = i % STEP;
        let row = i / STEP;
#end
        let inside = start + k < K && tile_row + row < M;
        // select evaluates both: the address is clamped first.
#if tn
        let value = a_KM[min(start + k, K - 1u) * A_STRIDE + min(tile_row + row, M - 1u)];
#else
        let value = a_MK[min(tile_row + row, M - 1u) * ${a_pitch} + min(start + k, K - 1u)];
#end
        a_tile[k][row] = select(0.0, value, inside);
      }
      {
#if nt
        let k = i % STEP;
        let column = i / STEP;
#else
        let k = i / TILE;
        let column = i % TILE;
#end
        let inside = start + k < K && tile_column + column < N;
        // select evaluates both: the address is clamped first.
#if nt
        let value = b_NK[min(tile_column + column, N - 1u) * K + min(start + k, K - 1u)];
#else
        let value = b_KN[min(start + k, K - 1u) * N + min(tile_column + column, N - 1u)];
#end
        b_tile[k][column] = select(0.0, value, inside);
      }
    }
    workgroupBarrier();
    for (var k = 0u; k < STEP; k++) {
      let b = vec4f(b_tile[k][x], b_tile[k][x + 16u], b_tile[k][x + 32u], b_tile[k][x + 48u]);
      c0 += a_tile[k][y] * b;
      c1 += a_tile[k][y + 16u] * b;
      c2 += a_tile[k][y + 32u] * b;
      c3 += a_tile[k][y + 48u] * b;
    }
    workgroupBarrier();
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  for (var i = 0u; i < 16u; i++) {
    let row = tile_row + y + i / 4u * 16u;
    let column = tile_column + x + i % 4u * 16u;
    if (row < M && column < N) {
      let index = row * ${c_pitch} + column;
      var sum = c[i / 4u][i % 4u];
#if nn
      if (BIAS == 1u) {
        sum += bias_N[column];
      }
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
}
