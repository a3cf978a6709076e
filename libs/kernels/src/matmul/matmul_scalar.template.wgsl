#expand matmul_nn_scalar nn c_index=index
#expand matmul_nt_scalar nt c_index=c_index
#expand matmul_tn_scalar tn c_index=index
#if nn
// ${name} — c = a b (+ bias) (+ residual) (+ c): the reference that every faster variant is checked against
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]
#end
#if nt
// ${name} — c = a bᵀ (+ residual) (+ c): the reference that every faster variant is checked against
// Shapes:   a[M,K] b[N,K] residual[M,N] -> c[M,N]
#end
#if tn
// ${name} — c = aᵀ b (+ c): the reference that every faster variant is checked against
// Shapes:   a[K,M] b[K,N] -> c[M,N]
#end
// Dispatch: one invocation per element of c, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending k
// Source:   definition; CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-7 * sqrt(K) of the largest entry vs f64
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
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= M * N) {
    return;
  }
  let row = index / N;
  let column = index % N;
#if nt
  let c_index = row * C_STRIDE + column;
#end
  var sum = 0.0;
#if nn
  if (CONTINUED) {
    sum = c_MN[index];
  }
#end
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k++) {
#if nn
    sum += a_MK[row * A_STRIDE + k] * b_KN[k * N + column];
#end
#if nt
    sum += a_MK[row * K + k] * b_NK[column * K + k];
#end
#if tn
    sum += a_KM[k * A_STRIDE + row] * b_KN[k * N + column];
#end
  }
#if nn
  if (BIAS == 1u) {
    sum += bias_N[column];
  }
#end
#if !tn
  if (RESIDUAL == 1u) {
    sum += residual_MN[${c_index}];
  }
#end
  if (ACCUMULATE == 1u) {
    sum += c_MN[${c_index}];
  }
  c_MN[${c_index}] = sum;
}
