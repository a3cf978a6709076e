// embedding_backward_token_sorted — dwte[v] += sum of dy over the rows whose token is FIRST + v
// Shapes:   tokens[N] order[N] dy[B,T,C] -> dwte[V,C]          dy has the positions from FIRST_ROW on
// Dispatch: one invocation per place in the order and column, WG threads in linear order; needs: f32 only
// Method:   the first place of a token's bucket adds the bucket's rows in ascending position; the others do nothing
// Source:   llm.c (f1e2ace) encoder.cuh, wte_backward_kernel: buckets, no atomics; CPU twin embedding.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-6 of the largest entry vs f64; test/token-buckets.spec.ts, naive bits
// In f16:   dy_BTC
@group(0) @binding(0) var<storage, read> tokens_N: array<u32>; // [N] token ids
@group(0) @binding(1) var<storage, read> order_N: array<u32>; // [N] positions sorted by token, then by position
@group(0) @binding(2) var<storage, read> dy_BTC: array<f32>; // [B,T,C] gradient of the output
@group(0) @binding(3) var<storage, read_write> dwte_VC: array<f32>; // [V,C] what is added to
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override N: u32;
override C: u32;
override V: u32;
override FIRST: u32; // the token of the first row of dwte
override FIRST_ROW: u32; // the position of the first row of dy

fn token_at(place: u32) -> u32 {
  return tokens_N[order_N[place]];
}

/// The place behind the bucket: found by doubling and halving, so that additions need not wait for comparisons.
fn bucket_end(start: u32, token: u32) -> u32 {
  var inside = start;
  var outside = start + 1u;
  while (outside < N && token_at(outside) == token) {
    inside = outside;
    outside = start + 2u * (outside - start);
  }
  outside = min(outside, N);
  while (outside - inside > 1u) {
    let middle = inside + (outside - inside) / 2u;
    if (token_at(middle) == token) {
      inside = middle;
    } else {
      outside = middle;
    }
  }
  return outside;
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (index >= N * C) {
    return;
  }
  let start = index / C;
  let column = index % C;
  let token = token_at(start);
  // Tokens before FIRST wrap around, and are beyond V too.
  if (token - FIRST >= V || (start > 0u && token_at(start - 1u) == token)) {
    return;
  }
  let end = bucket_end(start, token);
  var sum = 0.0;
  for (var place = start; place < end; place++) {
    let row = order_N[place] - FIRST_ROW;
    if (row < B * T) {
      sum += dy_BTC[row * C + column];
    }
  }
  let to = (token - FIRST) * C + column;
  dwte_VC[to] = sum + dwte_VC[to];
}
