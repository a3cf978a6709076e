// gelu_backward — dx = dy ((1 + t)/2 + x/2 (1 - t²) u'), t = tanh(u), u = sqrt(2/pi) (x + 0.044715 x³)
// Shapes:   x[L] dy[L] -> dx[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   tanh recomputed from x, its argument clamped to ±10 as in the forward
// Source:   derivative of Hendrycks & Gimpel 2016 (arXiv:1606.08415), section 2; CPU twin gelu.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
// In f16:   x_L dy_L dx_L
@group(0) @binding(0) var<storage, read> x_L: array<f32>; // [L] input of the forward
@group(0) @binding(1) var<storage, read> dy_L: array<f32>; // [L] gradient of the output
@group(0) @binding(2) var<storage, read_write> dx_L: array<f32>; // [L] gradient of the input
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
  let slope = SQRT_2_OVER_PI * (1.0 + 3.0 * 0.044715 * x * x);
  // 1 - t² is 0 wherever the clamp acts, and x² may overflow there: select keeps 0 * inf out of the result.
  let bend = select(0.5 * x * (1.0 - t * t) * slope, 0.0, abs(x) > 100.0);
  dx_L[index] = dy_L[index] * (0.5 * (1.0 + t) + bend);
}
