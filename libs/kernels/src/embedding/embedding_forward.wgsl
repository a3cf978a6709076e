// embedding_forward — y = wte[token - FIRST] + wpe[position], for tokens that wte has
// Shapes:   tokens[B,T] wte[V,C] wpe[T,C] -> y[B,T,C]
// Dispatch: one invocation per element of y, WG threads in linear order; needs: f32 only
// Method:   gather and add
// Source:   Radford et al. 2019 (GPT-2), section 2.3; CPU twin embedding.cpu.ts
// Checked:  test/conformance.spec.ts, 1e-7 of the largest entry vs f64
// In f16:   y_BTC
@group(0) @binding(0) var<storage, read> tokens_BT: array<u32>; // [B,T] token ids
@group(0) @binding(1) var<storage, read> wte_VC: array<f32>; // [V,C] token embedding, or some rows of it
@group(0) @binding(2) var<storage, read> wpe_TC: array<f32>; // [T,C] position embedding (its first T rows)
@group(0) @binding(3) var<storage, read_write> y_BTC: array<f32>; // [B,T,C] sum of both
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override C: u32;
override V: u32;
override FIRST: u32; // the token of the first row of wte

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= B * T * C) {
    return;
  }
  let row = index / C;
  let column = index % C;
  // Tokens before FIRST wrap around, and are beyond V too.
  let token = tokens_BT[row] - FIRST;
  if (token >= V) {
    return;
  }
  y_BTC[index] = wte_VC[token * C + column] + wpe_TC[(row % T) * C + column];
}
