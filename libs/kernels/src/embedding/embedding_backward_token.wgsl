// embedding_backward_token — dwte[v] = sum of dy over the rows whose token is FIRST + v (+ dwte[v])
// Shapes:   tokens[N] order[N] dy[B,T,C] -> dwte[V,C]          dy has the positions from FIRST_ROW on
// Dispatch: one invocation per element of dwte, WG threads in linear order; needs: f32 only
// Method:   every invocation scans all tokens in ascending position: no atomics, a fixed order of addition
// Source:   derivative of a gather; CPU twin embedding.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64
// In f16:   dy_BTC
@group(0) @binding(0) var<storage, read> tokens_N: array<u32>; // [N] token ids
@group(0) @binding(1) var<storage, read> order_N: array<u32>; // [N] never read
@group(0) @binding(2) var<storage, read> dy_BTC: array<f32>; // [B,T,C] gradient of the output
@group(0) @binding(3) var<storage, read_write> dwte_VC: array<f32>; // [V,C] read only if ACCUMULATE
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override C: u32;
override V: u32;
override FIRST: u32; // the token of the first row of dwte
override FIRST_ROW: u32; // the position of the first row of dy
override ACCUMULATE: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= V * C) {
    return;
  }
  let token = FIRST + index / C;
  let column = index % C;
  var sum = 0.0;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let row_end = B * T * groups.z;
  for (var row = 0u; row < row_end; row++) {
    if (tokens_N[FIRST_ROW + row] == token) {
      sum += dy_BTC[row * C + column];
    }
  }
  if (ACCUMULATE == 1u) {
    sum += dwte_VC[index];
  }
  dwte_VC[index] = sum;
}
