// adamw — one AdamW update with decoupled decay (first) and a clip coefficient on the gradient
// Shapes:   gradient[L] hyper[10] -> weight[L] m[L] v[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   g = gradient * clip; w *= 1 - lr*decay (if DECAY); m, v moving averages; w -= lr m̂ / (sqrt(v̂) + eps)
// Source:   Loshchilov & Hutter 2019 (arXiv:1711.05101) algorithm 2; CPU twin adamw.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> gradient_L: array<f32>; // [L] accumulated gradient
@group(0) @binding(1) var<storage, read> hyper_10: array<f32>; // [10] as adamw.ts lists them
@group(0) @binding(2) var<storage, read_write> weight_L: array<f32>; // [L] parameter, updated
@group(0) @binding(3) var<storage, read_write> m_L: array<f32>; // [L] first moment, updated
@group(0) @binding(4) var<storage, read_write> v_L: array<f32>; // [L] second moment, updated
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;
override DECAY: u32;

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
  // 1 - beta comes from the host: taken here, in f32, 1 - 0.999 is wrong by 1.3e-5 of itself.
  let lr = hyper_10[0];
  let beta1 = hyper_10[1];
  let beta2 = hyper_10[2];
  let g = gradient_L[index] * hyper_10[7];
  var weight = weight_L[index];
  if (DECAY == 1u) {
    weight *= 1.0 - lr * hyper_10[4];
  }
  let m = beta1 * m_L[index] + hyper_10[8] * g;
  let v = beta2 * v_L[index] + hyper_10[9] * g * g;
  m_L[index] = m;
  v_L[index] = v;
  weight_L[index] = weight - lr * (m / hyper_10[5]) / (sqrt(v / hyper_10[6]) + hyper_10[3]);
}
