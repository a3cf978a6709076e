// sgd_momentum — one step of SGD with momentum, decoupled decay (first) and a clip coefficient on the gradient
// Shapes:   gradient[L] hyper[4] -> weight[L] momentum[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   g = gradient * clip; w *= 1 - lr*decay (if DECAY); buf = mu buf + g; w -= lr buf. A zero buffer starts at g
// Source:   torch.optim.SGD (dampening 0, no Nesterov), decay as in arXiv:1711.05101; CPU twin sgd.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> gradient_L: array<f32>; // [L] accumulated gradient
@group(0) @binding(1) var<storage, read> hyper_4: array<f32>; // [4] lr momentum decay clip
@group(0) @binding(2) var<storage, read_write> weight_L: array<f32>; // [L] parameter, updated
@group(0) @binding(3) var<storage, read_write> momentum_L: array<f32>; // [L] buffer of past gradients, updated
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
  let lr = hyper_4[0];
  var weight = weight_L[index];
  if (DECAY == 1u) {
    weight *= 1.0 - lr * hyper_4[2];
  }
  let momentum = hyper_4[1] * momentum_L[index] + gradient_L[index] * hyper_4[3];
  momentum_L[index] = momentum;
  weight_L[index] = weight - lr * momentum;
}
