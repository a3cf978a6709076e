// philox_words — the four Philox words of every counter, each under a key of its own
// Shapes:   counters[N,4] keys[N,2] -> words[N,4]
// Dispatch: one invocation per counter, WG threads in linear order; needs: f32 only
// Method:   the include by itself, for its tests
// Source:   definition
// Checked:  philox.spec.ts, known answers of Random123, to the bit
@group(0) @binding(0) var<storage, read> counters_N4: array<u32>; // [N,4] words, lowest first
@group(0) @binding(1) var<storage, read> keys_N2: array<u32>; // [N,2] words, lowest first
@group(0) @binding(2) var<storage, read_write> words_N4: array<u32>; // [N,4] random words
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override ROUNDS: u32;

// include philox

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = (first_group + group.y * groups.x + group.x) * WG + lane;
  if (n >= N) {
    return;
  }
  let row = 4u * n;
  let counter = vec4u(counters_N4[row], counters_N4[row + 1u], counters_N4[row + 2u], counters_N4[row + 3u]);
  let words = philox4x32(counter, vec2u(keys_N2[2u * n], keys_N2[2u * n + 1u]), ROUNDS * groups.z);
  words_N4[row] = words.x;
  words_N4[row + 1u] = words.y;
  words_N4[row + 2u] = words.z;
  words_N4[row + 3u] = words.w;
}
