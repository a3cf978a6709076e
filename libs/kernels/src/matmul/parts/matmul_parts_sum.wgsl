// matmul_parts_sum — c = sum of parts (+ bias) (+ residual) (+ c)
// Shapes:   parts[P,M,N] bias[N] residual[M,N] -> c[M,N]
// Dispatch: one invocation per element of c, WG threads in linear order; needs: f32 only
// Method:   parts added in ascending order
// Source:   split-K as in Osama et al. 2023 (doi:10.1145/3572848.3577479), section 3; CPU twin matmul-parts.cpu.ts
// Checked:  test/conformance.spec.ts, 4e-7 * sqrt(P) of the largest entry vs f64
// In f16:   residual_MN c_MN
@group(0) @binding(0) var<storage, read> parts_PMN: array<f32>; // [P,M,N] sums of parts of a product
@group(0) @binding(1) var<storage, read> bias_N: array<f32>; // [N] read only if BIAS
@group(0) @binding(2) var<storage, read> residual_MN: array<f32>; // [M,N] read only if RESIDUAL
@group(0) @binding(3) var<storage, read_write> c_MN: array<f32>; // [M,N] result, read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override M: u32;
override N: u32;
override P: u32;
override BIAS: u32;
override RESIDUAL: u32;
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
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let part_end = P * groups.z;
  var sum = 0.0;
  for (var part = 0u; part < part_end; part++) {
    sum += parts_PMN[part * M * N + index];
  }
  if (BIAS == 1u) {
    sum += bias_N[index % N];
  }
  if (RESIDUAL == 1u) {
    sum += residual_MN[index];
  }
  if (ACCUMULATE == 1u) {
    sum += c_MN[index];
  }
  c_MN[index] = sum;
}
