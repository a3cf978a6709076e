// swiglu_forward — y = gate / (1 + exp(-gate)) * up
// Shapes:   gate[L] up[L] -> y[L]
// Dispatch: one invocation per element, WG threads in linear order; needs: f32 only
// Method:   the exponential's argument is clamped to ±80: f32 overflows beyond, and the sigmoid is 0 or 1 long before
// Source:   Shazeer 2020 (arXiv:2002.05202) eq. 5, without biases; CPU twin swiglu.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
// In f16:   gate_L up_L y_L
@group(0) @binding(0) var<storage, read> gate_L: array<f32>; // [L] goes through SiLU
@group(0) @binding(1) var<storage, read> up_L: array<f32>; // [L] is multiplied by it
@group(0) @binding(2) var<storage, read_write> y_L: array<f32>; // [L] output
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
  let sigmoid = 1.0 / (1.0 + exp(clamp(-gate, -80.0, 80.0)));
  y_L[index] = gate * sigmoid * up_L[index];
}
