#expand matmul_nn_block_128x128 nn fused residual vectors load=vec4f rows=128 columns=128 threads=256 blocks=1
#expand matmul_nn_block_128x64 nn fused residual vectors uneven load=vec4f rows=128 columns=64 threads=128 blocks=2
#expand matmul_nn_block_64x64 nn fused residual vectors load=vec4f rows=64 columns=64 threads=64 blocks=2
#expand matmul_nn_block_128x128_any nn fused residual load=f32 rows=128 columns=128 threads=256 blocks=1
#expand matmul_nn_block_128x64_any nn fused residual uneven load=f32 rows=128 columns=64 threads=128 blocks=2
#expand matmul_nn_block_64x64_any nn fused residual load=f32 rows=64 columns=64 threads=64 blocks=2
#expand matmul_nt_block_128x128 nt plain residual vectors load=vec4f rows=128 columns=128 threads=256 blocks=1
#expand matmul_nt_block_128x64 nt plain residual vectors uneven load=vec4f rows=128 columns=64 threads=128 blocks=2
#expand matmul_nt_block_64x64 nt plain residual vectors load=vec4f rows=64 columns=64 threads=64 blocks=2
#expand matmul_nt_block_128x128_any nt plain residual load=f32 rows=128 columns=128 threads=256 blocks=1
#expand matmul_nt_block_128x64_any nt plain residual uneven load=f32 rows=128 columns=64 threads=128 blocks=2
#expand matmul_nt_block_64x64_any nt plain residual load=f32 rows=64 columns=64 threads=64 blocks=2
#expand matmul_tn_block_128x128 tn plain vectors load=vec4f rows=128 columns=128 threads=256 blocks=1
#expand matmul_tn_block_128x64 tn plain vectors uneven load=vec4f rows=128 columns=64 threads=128 blocks=2
#expand matmul_tn_block_64x64 tn plain vectors load=vec4f rows=64 columns=64 threads=64 blocks=2
#expand matmul_tn_block_128x128_any tn plain load=f32 rows=128 columns=128 threads=256 blocks=1
#expand matmul_tn_block_128x64_any tn plain uneven load=f32 rows=128 columns=64 threads=128 blocks=2
#expand matmul_tn_block_64x64_any tn plain load=f32 rows=64 columns=64 threads=64 blocks=2
#expand matmul_nn_parts_64x64 nn plain parts vectors load=vec4f rows=64 columns=64 threads=64 blocks=2
#expand matmul_nn_parts_64x64_any nn plain parts load=f32 rows=64 columns=64 threads=64 blocks=2
#expand matmul_nt_parts_64x64 nt plain parts vectors load=vec4f rows=64 columns=64 threads=64 blocks=2
#expand matmul_nt_parts_64x64_any nt plain parts load=f32 rows=64 columns=64 threads=64 blocks=2
#expand matmul_tn_parts_64x64 tn plain parts vectors load=vec4f rows=64 columns=64 threads=64 blocks=2
#expand matmul_tn_parts_64x64_any tn plain parts load=f32 rows=64 columns=64 threads=64 blocks=2
#expand matmul_nn_gelu_128x128 nn gelu second vectors load=vec4f rows=128 columns=128 threads=256 blocks=1
#expand matmul_nn_gelu_128x64 nn gelu second vectors uneven load=vec4f rows=128 columns=64 threads=128 blocks=2
#expand matmul_nn_gelu_64x64 nn gelu second vectors load=vec4f rows=64 columns=64 threads=64 blocks=2
#expand matmul_nn_gelu_128x128_any nn gelu second load=f32 rows=128 columns=128 threads=256 blocks=1
#expand matmul_nn_gelu_128x64_any nn gelu second uneven load=f32 rows=128 columns=64 threads=128 blocks=2
#expand matmul_nn_gelu_64x64_any nn gelu second load=f32 rows=64 columns=64 threads=64 blocks=2
#expand matmul_nt_swiglu_128x128 nt swiglu second vectors load=vec4f rows=128 columns=128 threads=256 blocks=1
#expand matmul_nt_swiglu_128x64 nt swiglu second vectors uneven load=vec4f rows=128 columns=64 threads=128 blocks=2
#expand matmul_nt_swiglu_64x64 nt swiglu second vectors load=vec4f rows=64 columns=64 threads=64 blocks=2
#expand matmul_nt_swiglu_128x128_any nt swiglu second load=f32 rows=128 columns=128 threads=256 blocks=1
#expand matmul_nt_swiglu_128x64_any nt swiglu second uneven load=f32 rows=128 columns=64 threads=128 blocks=2
#expand matmul_nt_swiglu_64x64_any nt swiglu second load=f32 rows=64 columns=64 threads=64 blocks=2
#if fused
// ${name} — c = a b (+ bias) (+ residual) (+ c), for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]
#end
#if gelu
// ${name} — c = a b (+ bias), y = gelu(c), for GPUs
// Shapes:   a[M,K] b[K,N] bias[N] -> c[M,N] y[M,N]
#end
#if swiglu
// ${name} — c = a bᵀ, y = silu(gate) c, for GPUs
// Shapes:   a[M,K] b[N,K] gate[M,N] -> c[M,N] y[M,N]
#end
#if plain
#if nn
// ${name} — parts = a b, each of some k alone, for GPUs
// Shapes:   a[M,K] b[K,N] -> parts[P,M,N]
#end
#if nt
#if parts
// ${name} — parts = a bᵀ, each of some k alone, for GPUs
// Shapes:   a[M,K] b[N,K] -> parts[P,M,N]
#else
// ${name} — c = a bᵀ (+ residual) (+ c), for GPUs
// Shapes:   a[M,K] b[N,K] residual[M,N] -> c[M,N]
#end
#end
#if tn
#if parts
// ${name} — parts = aᵀ b, each of some k alone, for GPUs
// Shapes:   a[K,M] b[K,N] -> parts[P,M,N]
#else
// ${name} — c = aᵀ b (+ c), for GPUs
// Shapes:   a[K,M] b[K,N] -> c[M,N]
#end
#end
#end
// Dispatch: ${threads} invocations per ${rows} x ${columns} tile of c, in linear order; needs: gpu-tiles.ts
// Method:   8 x 8 results per invocation, added in ascending k. 16 k of the tile's rows and columns at a time are in
//           workgroup memory, [k][row], padded by a vector. They are fetched as blocks of 4 x 4 and turned in registers
//           where four k lie side by side; the next 16 are on their way while these are multiplied
// Source:   Volkov & Demmel 2008 (doi:10.1109/SC.2008.5214359); prefetch as in Tan et al. 2011
//           (doi:10.1145/2063384.2063431); CPU twins matmul*.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
#if fused
// In f16:   a_MK b_KN residual_MN c_MN
// In f16 (logits): b_KN
#end
#if plain
#if parts
// In f16:   a_MK a_KM b_KN b_NK
#else
#if nt
// In f16:   a_MK b_NK residual_MN c_MN
// In f16 (logits): a_MK b_NK
#end
#if tn
// In f16:   a_KM b_KN
// In f16 (logits): b_KN
#end
#end
#end
#if tn
@group(0) @binding(0) var<storage, read> a_KM: array<${load}>; // [K,M] left factor, transposed
#else
@group(0) @binding(0) var<storage, read> a_MK: array<${load}>; // [M,K] left factor
#end
#if nt
@group(0) @binding(1) var<storage, read> b_NK: array<${load}>; // [N,K] right factor, transposed
#else
@group(0) @binding(1) var<storage, read> b_KN: array<${load}>; // [K,N] right factor
#end
#if fused
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE or CONTINUED
#end
#if plain
#if parts
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>; // [P,M,N] a sum for each part
#else
#if nt
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL, rows as those of c
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
#else
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
#end
#end
#end
#if gelu
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
#end
#if swiglu
@group(0) @binding(2) var<storage, read> gate_MN: array<f32>; // [M,N] goes through SiLU
#end
#if second
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
#end
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override M: u32;
override K: u32;
override N: u32;
#if tn
override A_STRIDE: u32 = M; // from one row of a to the next
#else
override A_STRIDE: u32 = K; // from one row of a to the next
#end
#if parts
override P: u32;
override PART_K: u32; // products of a part, in whole slabs of 16
#else
override C_STRIDE: u32 = N; // from one row of c to the next
override ACCUMULATE: u32 = 0u;
#end
#if gelu
override BIAS: u32;
const SQRT_2_OVER_PI = 0.7978845608028654;
#end
#if fused
override BIAS: u32;
override CONTINUED: bool; // the sums go on from what c holds
#end
#if residual
override RESIDUAL: u32;
#end
override IS_WHOLE: bool = K % 16u == 0u;
override ROLLED: bool = false; // for software drivers, which take seconds to compile an unrolled loop
const ROWS = ${rows}u;
const COLUMNS = ${columns}u;
const STEP = 16u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
var<workgroup> a_tile: array<array<vec4f, ROWS / 4u + 1u>, STEP>; // [k][four rows]
var<workgroup> b_tile: array<array<vec4f, COLUMNS / 4u + 1u>, STEP>; // [k][four columns]

// Four numbers of a that lie side by side: zeros beyond K, and others again beyond M, whose results nobody stores.
fn a_four(row: u32, k: u32) -> vec4f {
#if !tn
  let start = min(row, M - 1u) * A_STRIDE;
#if vectors
  return select(vec4f(), a_MK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
#else
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(a_MK[at.x], a_MK[at.y], a_MK[at.z], a_MK[at.w]), k + FOUR < vec4u(K));
#end
#else
  let start = min(k, K - 1u) * A_STRIDE;
#if vectors
  return select(vec4f(), a_KM[(start + min(row, M - 4u)) / 4u], IS_WHOLE || k < K);
#else
  let at = start + min(row + FOUR, vec4u(M - 1u));
  return select(vec4f(), vec4f(a_KM[at.x], a_KM[at.y], a_KM[at.z], a_KM[at.w]), k < K);
#end
#end
}

fn b_four(column: u32, k: u32) -> vec4f {
#if nt
  let start = min(column, N - 1u) * K;
#if vectors
  return select(vec4f(), b_NK[(start + min(k, K - 4u)) / 4u], IS_WHOLE || k < K);
#else
  let at = start + min(k + FOUR, vec4u(K - 1u));
  return select(vec4f(), vec4f(b_NK[at.x], b_NK[at.y], b_NK[at.z], b_NK[at.w]), k + FOUR < vec4u(K));
#end
#else
  let start = min(k, K - 1u) * N;
#if vectors
  return select(vec4f(), b_KN[(start + min(column, N - 4u)) / 4u], IS_WHOLE || k < K);
#else
  let at = start + min(column + FOUR, vec4u(N - 1u));
  return select(vec4f(), vec4f(b_KN[at.x], b_KN[at.y], b_KN[at.z], b_KN[at.w]), k < K);
#end
#end
}

// Where a block of 4 x 4 is in its tile, as (row or column, k): neighbours read what lies side by side.
fn a_place(block: u32) -> vec2u {
#if !tn
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
#else
  return 4u * vec2u(block % (ROWS / 4u), block / (ROWS / 4u));
#end
}

fn b_place(block: u32) -> vec2u {
#if nt
  return 4u * vec2u(block / (STEP / 4u), block % (STEP / 4u));
#else
  return 4u * vec2u(block % (COLUMNS / 4u), block / (COLUMNS / 4u));
#end
}

// A block's four rows or columns at each of four k. The blocks of a tile of a come first, those of b after them.
fn fetched(block: u32, corner: vec2u, k: u32) -> mat4x4f {
  if (block < ROWS) {
    let at = a_place(block) + vec2u(corner.x, k);
#if !tn
    let turned = mat4x4f(a_four(at.x, at.y), a_four(at.x + 1u, at.y), a_four(at.x + 2u, at.y), a_four(at.x + 3u, at.y));
    return transpose(turned);
#else
    return mat4x4f(a_four(at.x, at.y), a_four(at.x, at.y + 1u), a_four(at.x, at.y + 2u), a_four(at.x, at.y + 3u));
#end
  }
  let at = b_place(block - ROWS) + vec2u(corner.y, k);
#if nt
  let turned = mat4x4f(b_four(at.x, at.y), b_four(at.x + 1u, at.y), b_four(at.x + 2u, at.y), b_four(at.x + 3u, at.y));
  return transpose(turned);
#else
  return mat4x4f(b_four(at.x, at.y), b_four(at.x, at.y + 1u), b_four(at.x, at.y + 2u), b_four(at.x, at.y + 3u));
#end
}

fn keep(block: u32, values: mat4x4f) {
  if (block < ROWS) {
    let at = a_place(block);
#for j 4
    a_tile[at.y + ${j}u][at.x / 4u] = values[${j}];
#end
    return;
  }
#if uneven
  if (block >= ROWS + COLUMNS) {
    return;
  }
#end
  let at = b_place(block - ROWS);
#for j 4
  b_tile[at.y + ${j}u][at.x / 4u] = values[${j}];
#end
}
#if fused

fn begun(row: u32, column: u32) -> vec4f {
  let at = min(row, M - 1u) * N + min(column + FOUR, vec4u(N - 1u));
  return vec4f(c_MN[at.x], c_MN[at.y], c_MN[at.z], c_MN[at.w]);
}
#end

fn finish(part: u32, row: u32, column: u32, sums: vec4f) {
  for (var i = 0u; i < 4u && row < M && column + i < N; i++) {
#if parts
    parts_PMN[(part * M + row) * N + column + i] = sums[i];
#else
    let index = row * C_STRIDE + column + i;
    var sum = sums[i];
#if fused
    if (BIAS == 1u) {
      sum += bias_N[column + i];
    }
#end
#if residual
    if (RESIDUAL == 1u) {
      sum += residual_MN[index];
    }
#end
#if gelu
    if (BIAS == 1u) {
      sum += bias_N[column + i];
    }
    let t = tanh(clamp(SQRT_2_OVER_PI * (sum + 0.044715 * sum * sum * sum), -10.0, 10.0));
    y_MN[index] = 0.5 * sum * (1.0 + t);
#end
#if swiglu
    let gate = gate_MN[index];
    y_MN[index] = gate * (1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)))) * sum;
#end
    if (ACCUMULATE == 1u) {
      sum += c_MN[index];
    }
    c_MN[index] = sum;
#end
  }
}

@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_across = (N + COLUMNS - 1u) / COLUMNS;
  let tiles = (M + ROWS - 1u) / ROWS * tiles_across;
  let place = first_group + group.y * groups.x + group.x;
  let tile = place % tiles;
  let part = place / tiles;
#if parts
  let k_begin = part * PART_K;
  let k_end = min(K, k_begin + PART_K);
#else
  let k_begin = 0u;
  let k_end = K;
#end
  // Uniform in the workgroup, so the barriers below stay legal.
#if parts
  if (part >= P) {
#else
  if (part >= 1u) {
#end
    return;
  }
  let corner = vec2u(tile / tiles_across * ROWS, tile % tiles_across * COLUMNS);
  // 32 invocations cover 4 x 8 places, so that they read few vectors of workgroup memory. An invocation has eight rows
  // and two times four columns, half a tile apart, so that neighbours read what lies side by side.
  let x = lane / 32u % (COLUMNS / 64u) * 8u + lane % 8u;
  let y = lane / 32u / (COLUMNS / 64u) * 4u + lane % 32u / 8u;
  let row = corner.x + 8u * y;
  let column = corner.y + 4u * x;
#for r 8
  var c${r}0 = vec4f();
  var c${r}1 = vec4f();
#end
#if fused
  if (CONTINUED) {
#for r 8
    c${r}0 = begun(row + ${r}u, column);
    c${r}1 = begun(row + ${r}u, column + COLUMNS / 2u);
#end
  }
#end
  // groups.z is 1, unknown to the compiler.
  let step_end = select(STEP, STEP * groups.z, ROLLED);
#for i blocks
  var block${i} = fetched(lane + ${i}u * ${threads}u, corner, k_begin);
#end
  for (var start = k_begin; start < k_end; start += STEP) {
#for i blocks
    keep(lane + ${i}u * ${threads}u, block${i});
#end
    workgroupBarrier();
    if (start + STEP < k_end) {
#for i blocks
      block${i} = fetched(lane + ${i}u * ${threads}u, corner, start + STEP);
#end
    }
    for (var k = 0u; k < step_end; k++) {
      let a0 = a_tile[k][2u * y];
      let a1 = a_tile[k][2u * y + 1u];
      let b0 = b_tile[k][x];
      let b1 = b_tile[k][x + COLUMNS / 8u];
#for r 4
      c${r}0 += a0[${r}] * b0;
      c${r}1 += a0[${r}] * b1;
      c${r+4}0 += a1[${r}] * b0;
      c${r+4}1 += a1[${r}] * b1;
#end
    }
    workgroupBarrier();
  }
#for r 8
  finish(part, row + ${r}u, column, c${r}0);
  finish(part, row + ${r}u, column + COLUMNS / 2u, c${r}1);
#end
}
