// matmul_nn_scalar — c = a b (+ bias) (+ residual) (+ c): the reference that every faster variant is checked against
// Shapes:   a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]
// Dispatch: one invocation per element of c, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending k
// Source:   definition; CPU twin matmul.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(3) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL
@group(0) @binding(4) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE or CONTINUED
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;
override A_STRIDE: u32; // from one row of a to the next
override BIAS: u32;
override RESIDUAL: u32;
override ACCUMULATE: u32;
override CONTINUED: u32; // the sums go on from what c holds

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
  if (CONTINUED == 1u) {
    sum = c_MN[index];
  }
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k++) {
    sum += a_MK[row * A_STRIDE + k] * b_KN[k * N + column];
  }
  if (BIAS == 1u) {
    sum += bias_N[column];
  }
  if (RESIDUAL == 1u) {
    sum += residual_MN[index];
  }
  if (ACCUMULATE == 1u) {
    sum += c_MN[index];
  }
  c_MN[index] = sum;
}
