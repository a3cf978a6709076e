// gelu_forward — y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x³)))
// Shapes:   x[L] -> y[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   tanh's argument is clamped to ±10, where tanh is 1 in f32: some CPU drivers answer NaN for large ones
// Source:   Hendrycks & Gimpel 2016 (arXiv:1606.08415), section 2; CPU twin gelu.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
// In f16:   x_L y_L
@group(0) @binding(0) var<storage, read> x_L: array<f32>; // [L] input
@group(0) @binding(1) var<storage, read_write> y_L: array<f32>; // [L] output
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;
const SQRT_2_OVER_PI = 0.7978845608028654;

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
  let x = x_L[index];
  let t = tanh(clamp(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x), -10.0, 10.0));
  y_L[index] = 0.5 * x * (1.0 + t);
}
