#expand matmul_nn_tile nn c_pitch=N
#expand matmul_nt_tile nt c_pitch=C_STRIDE
#expand matmul_tn_tile tn c_pitch=N
#if nn
// ${name} — c = a b (+ bias) (+ residual) (+ c), any size, no cooperation between invocations
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]
#end
#if nt
// ${name} — c = a bᵀ (+ residual) (+ c), any size, no cooperation between invocations
// Shapes:   a[M,K] b[N,K] residual[M,N] -> c[M,N]
#end
#if tn
// ${name} — c = aᵀ b (+ c), any size, no cooperation between invocations
// Shapes:   a[K,M] b[K,N] -> c[M,N]
#end
// Dispatch: one invocation per 4 x 4 tile of c, WG threads in linear order; needs: f32 only
// Method:   register tile, products added in ascending k; edges read the last row or column again and store nothing
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

override WG: u32;
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

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (first_group + group.y * groups.x + group.x) * WG + lane;
  let tiles_across = (N + 3u) / 4u;
  let row = tile / tiles_across * 4u;
  let column = tile % tiles_across * 4u;
  if (row >= M) {
    return;
  }
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(M - 1u));
  let columns = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(N - 1u));
#if nn
  let a_rows = rows * A_STRIDE;
#end
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
#if nn
  if (CONTINUED) {
    let at0 = rows.x * N + columns;
    let at1 = rows.y * N + columns;
    let at2 = rows.z * N + columns;
    let at3 = rows.w * N + columns;
    c0 = vec4f(c_MN[at0.x], c_MN[at0.y], c_MN[at0.z], c_MN[at0.w]);
    c1 = vec4f(c_MN[at1.x], c_MN[at1.y], c_MN[at1.z], c_MN[at1.w]);
    c2 = vec4f(c_MN[at2.x], c_MN[at2.y], c_MN[at2.z], c_MN[at2.w]);
    c3 = vec4f(c_MN[at3.x], c_MN[at3.y], c_MN[at3.z], c_MN[at3.w]);
  }
#end
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k++) {
#if nn
    let a = vec4f(a_MK[a_rows.x + k], a_MK[a_rows.y + k], a_MK[a_rows.z + k], a_MK[a_rows.w + k]);
#end
#if nt
    let a = vec4f(a_MK[rows.x * K + k], a_MK[rows.y * K + k], a_MK[rows.z * K + k], a_MK[rows.w * K + k]);
    let b = vec4f(b_NK[columns.x * K + k], b_NK[columns.y * K + k], b_NK[columns.z * K + k], b_NK[columns.w * K + k]);
#else
#if tn
    let start = k * A_STRIDE;
    let a = vec4f(a_KM[start + rows.x], a_KM[start + rows.y], a_KM[start + rows.z], a_KM[start + rows.w]);
#end
    let b = vec4f(b_KN[k * N + columns.x], b_KN[k * N + columns.y], b_KN[k * N + columns.z], b_KN[k * N + columns.w]);
#end
    c0 += a.x * b;
    c1 += a.y * b;
    c2 += a.z * b;
    c3 += a.w * b;
  }
  let c = array<vec4f, 4>(c0, c1, c2, c3);
  let i_end = min(16u, (M - row) * 4u) * groups.z;
  for (var i = 0u; i < i_end; i++) {
    let c_column = column + i % 4u;
    if (c_column < N) {
      let index = (row + i / 4u) * ${c_pitch} + c_column;
      var sum = c[i / 4u][i % 4u];
#if nn
      if (BIAS == 1u) {
        sum += bias_N[c_column];
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
