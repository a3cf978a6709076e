// matmul_tn_scalar — c = aᵀ b (+ c): the reference that every faster variant is checked against
// Shapes:   a[K,M] b[K,N] -> c[M,N]
// Dispatch: one invocation per element of c, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending k
// Source:   definition; CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_KM: array<f32>; // [K,M] left factor, transposed
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32; // from one row of a to the next
override ACCUMULATE: u32;

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
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_KM[k * A_STRIDE + row] * b_KN[k * N + column];
  }
  if (ACCUMULATE == 1u) {
    sum += c_MN[index];
  }
  c_MN[index] = sum;
}
