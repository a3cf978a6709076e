#expand matmul_nn_gelu_scalar nn gelu
#expand matmul_nt_swiglu_scalar swiglu
#if gelu
// ${name} — c = a b (+ bias), y = gelu(c): the reference that the faster variants are checked against
// Shapes:   a[M,K] b[K,N] bias[N] -> c[M,N] y[M,N]
#end
#if swiglu
// ${name} — c = a bᵀ, y = silu(gate) c: the reference that the faster variants are checked against
// Shapes:   a[M,K] b[N,K] gate[M,N] -> c[M,N] y[M,N]
#end
// Dispatch: one invocation per element of c, WG threads in linear order; needs: f32 only
// Method:   one dot product in ascending k; arguments of tanh and exp are clamped: large ones give NaN on some drivers
// Source:   definitions as in gelu_forward.wgsl and swiglu_forward.wgsl; CPU twin matmul-fused.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(K) of the largest entry vs f64
@group(0) @binding(0) var<storage, read> a_MK: array<f32>; // [M,K] left factor
#if nn
@group(0) @binding(1) var<storage, read> b_KN: array<f32>; // [K,N] right factor
#else
@group(0) @binding(1) var<storage, read> b_NK: array<f32>; // [N,K] right factor, transposed
#end
#if gelu
@group(0) @binding(2) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
#end
#if swiglu
@group(0) @binding(2) var<storage, read> gate_MN: array<f32>; // [M,N] goes through SiLU
#end
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] product
@group(0) @binding(4) var<storage, read_write> y_MN: array<f32>; // [M,N] what follows from it
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override K: u32;
override N: u32;
#if gelu
override BIAS: u32;
const SQRT_2_OVER_PI = 0.7978845608028654;
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
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let k_end = K * groups.z;
  for (var k = 0u; k < k_end; k++) {
#if nn
    sum += a_MK[row * K + k] * b_KN[k * N + column];
#else
    sum += a_MK[row * K + k] * b_NK[column * K + k];
#end
  }
#if gelu
  if (BIAS == 1u) {
    sum += bias_N[column];
  }
  let t = tanh(clamp(SQRT_2_OVER_PI * (sum + 0.044715 * sum * sum * sum), -10.0, 10.0));
  y_MN[index] = 0.5 * sum * (1.0 + t);
#end
#if swiglu
  let gate = gate_MN[index];
  y_MN[index] = gate * (1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)))) * sum;
#end
  c_MN[index] = sum;
}
