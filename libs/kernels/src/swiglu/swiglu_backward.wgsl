// swiglu_backward — dgate = dy up s (1 + gate (1 - s)), dup = dy gate s, s = 1 / (1 + exp(-gate))
// Shapes:   gate[L] up[L] dy[L] -> dgate[L] dup[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   the sigmoid is made again from the gate, clamped as in the forward
// Source:   derivative of Shazeer 2020 (arXiv:2002.05202) eq. 5; CPU twin swiglu.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
// In f16:   gate_L up_L dy_L dgate_L dup_L
@group(0) @binding(0) var<storage, read> gate_L: array<f32>; // [L] input of the forward
@group(0) @binding(1) var<storage, read> up_L: array<f32>; // [L] input of the forward
@group(0) @binding(2) var<storage, read> dy_L: array<f32>; // [L] gradient of the output
@group(0) @binding(3) var<storage, read_write> dgate_L: array<f32>; // [L] gradient of gate
@group(0) @binding(4) var<storage, read_write> dup_L: array<f32>; // [L] gradient of up
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override L: u32;

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
  let gate = gate_L[index];
  let dy = dy_L[index];
  let sigmoid = 1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)));
  dgate_L[index] = dy * up_L[index] * (sigmoid * (1.0 + gate * (1.0 - sigmoid)));
  dup_L[index] = dy * (gate * sigmoid);
}
