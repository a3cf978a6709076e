// token_order — order: all positions, sorted by token, those of one token in ascending position
// Shapes:   tokens[N] -> order[N]
// Dispatch: one invocation per position, WG threads in linear order; needs: f32 only
// Method:   a position's place is the number of those before it: no two have the same place, so nothing is exchanged
// Source:   rank sort (Knuth, The Art of Computer Programming 3, 5.2); CPU twin embedding.cpu.ts
// Checked:  test/conformance.spec.ts, exactly the twin's order
@group(0) @binding(0) var<storage, read> tokens_N: array<u32>; // [N] token ids
@group(0) @binding(1) var<storage, read_write> order_N: array<u32>; // [N] positions in tokens
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let position = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (position >= N) {
    return;
  }
  let token = tokens_N[position];
  var place = 0u;
  // groups.z is 1, unknown to the compiler: it unrolls short loops of known length, which takes it seconds.
  let earlier_end = position * groups.z;
  for (var other = 0u; other < earlier_end; other++) {
    place += select(0u, 1u, tokens_N[other] <= token);
  }
  let later_end = N * groups.z;
  for (var other = position + 1u; other < later_end; other++) {
    place += select(0u, 1u, tokens_N[other] < token);
  }
  order_N[place] = position;
}
