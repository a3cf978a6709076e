// multiply_add — y = the sum of 32 chains that begin with x + i / 32, after R steps of z = z f0 + f1
// Shapes:   x[L] factors[2] -> y[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   eight vectors whose steps do not wait for one another, all of them in registers: what a device computes at
//           most. The number of steps is unknown to the compiler, which would otherwise unroll them
// Source:   definition, after Volkov 2010, Better Performance at Lower Occupancy; CPU twin multiply-add.cpu.ts
// Checked:  test/conformance.spec.ts, 5e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> x_L: array<f32>; // [L] where the chains begin
@group(0) @binding(1) var<storage, read> factors_2: array<f32>; // [2] factor and summand of a step
@group(0) @binding(2) var<storage, read_write> y_L: array<f32>; // [L] sums
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;
override R: u32;
const QUARTER = vec4f(0.0, 0.03125, 0.0625, 0.09375);

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= L) {
    return;
  }
  let a = vec4f(factors_2[0]);
  let b = vec4f(factors_2[1]);
  var z0 = QUARTER + x_L[index];
  var z1 = z0 + 0.125;
  var z2 = z0 + 0.25;
  var z3 = z0 + 0.375;
  var z4 = z0 + 0.5;
  var z5 = z0 + 0.625;
  var z6 = z0 + 0.75;
  var z7 = z0 + 0.875;
  // groups.z is 1.
  for (var step = 0u; step < R * groups.z; step++) {
    z0 = fma(z0, a, b);
    z1 = fma(z1, a, b);
    z2 = fma(z2, a, b);
    z3 = fma(z3, a, b);
    z4 = fma(z4, a, b);
    z5 = fma(z5, a, b);
    z6 = fma(z6, a, b);
    z7 = fma(z7, a, b);
  }
  let sum = (z0 + z1) + (z2 + z3) + ((z4 + z5) + (z6 + z7));
  y_L[index] = (sum.x + sum.y) + (sum.z + sum.w);
}
