#expand matmul_nn_parts_scalar nn
#expand matmul_nt_parts_scalar nt
#expand matmul_tn_parts_scalar tn
#if nn
// ${name} — parts = a b, each of some k alone: the reference that the faster variants are checked against
// Shapes:   a[M,K] b[K,N] -> parts[P,M,N]
#end
#if nt
// ${name} — parts = a bᵀ, each of some k alone: the reference that the faster variants are checked against
// Shapes:   a[M,K] b[N,K] -> parts[P,M,N]
#end
#if tn
// ${name} — parts = aᵀ b, each of some k alone: the reference that the faster variants are checked against
// Shapes:   a[K,M] b[K,N] -> parts[P,M,N]
#end
// Dispatch: one invocation per element of parts, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending k, of PART_K products or of those that are left
// Source:   definition; CPU twin matmul-parts.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
// In f16:   a_MK a_KM b_KN b_NK
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
@group(0) @binding(2) var<storage, read_write> parts_PMN: array<f32>; // [P,M,N] a sum for each part
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;
override P: u32;
override PART_K: u32; // products of a part

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= P * M * N) {
    return;
  }
  let part = index / (M * N);
  let row = index / N % M;
  let column = index % N;
  var sum = 0.0;
  let k_end = min(K, (part + 1u) * PART_K);
  for (var k = part * PART_K; k < k_end; k++) {
#if nn
    sum += a_MK[row * K + k] * b_KN[k * N + column];
#end
#if nt
    sum += a_MK[row * K + k] * b_NK[column * K + k];
#end
#if tn
    sum += a_KM[k * M + row] * b_KN[k * N + column];
#end
  }
  parts_PMN[index] = sum;
}
