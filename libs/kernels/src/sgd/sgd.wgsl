// sgd — one step of stochastic gradient descent with decoupled decay (first) and a clip coefficient on the gradient
// Shapes:   gradient[L] hyper[4] -> weight[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   g = gradient * clip; w *= 1 - lr*decay (if DECAY); w -= lr g
// Source:   torch.optim.SGD without momentum, decay as in arXiv:1711.05101 algorithm 1; CPU twin sgd.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-6 of the largest entry vs f64
@group(0) @binding(0) var<storage, read> gradient_L: array<f32>; // [L] accumulated gradient
@group(0) @binding(1) var<storage, read> hyper_4: array<f32>; // [4] lr momentum decay clip
@group(0) @binding(2) var<storage, read_write> weight_L: array<f32>; // [L] parameter, updated
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
  weight_L[index] = weight - lr * (gradient_L[index] * hyper_4[3]);
}
