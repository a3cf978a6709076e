// dropout — y = x / (1 - p), or 0 with probability p (+ residual)
// Shapes:   x[B,T,C] residual[B,T,C] site[2] sequences[B,5] -> y[B,T,C]
// Dispatch: one invocation per four elements of a sequence, WG threads in linear order; needs: f32 only
// Method:   element e of a sequence is dropped if lane e % 4 of the Philox words of e / 4 is below THRESHOLD = p 2^32.
//           Key: seed xor site; counter: e / 4, sample, step. So the backward draws the bits of the forward again, and
//           they do not depend on which sequences share a micro-batch
// Source:   Srivastava et al. 2014 (JMLR 15, 1929), scaled in training; CPU twin dropout.cpu.ts
// Checked:  test/conformance.spec.ts, 2e-7 of the largest entry vs f64; test/dropout.spec.ts, masks to the bit
// In f16:   x_BTC residual_BTC y_BTC
@group(0) @binding(0) var<storage, read> x_BTC: array<f32>; // [B,T,C] values, or the gradient of y
@group(0) @binding(1) var<storage, read> residual_BTC: array<f32>; // [B,T,C] read only if RESIDUAL
@group(0) @binding(2) var<storage, read> site_2: array<u32>; // [2] what the numbers are for: low and high word
@group(0) @binding(3) var<storage, read> sequences_B5: array<u32>; // [B,5] seed (low, high), step, sample (low, high)
@group(0) @binding(4) var<storage, read_write> y_BTC: array<f32>; // [B,T,C] what is left (+ residual)
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override B: u32;
override T: u32;
override C: u32;
override THRESHOLD: u32;
override SCALE: f32;
override RESIDUAL: u32;

// include philox

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (first_group + group.y * groups.x + group.x) * WG + lane;
  let length = T * C;
  let block_count = (length + 3u) / 4u;
  if (index >= B * block_count) {
    return;
  }
  let sequence = index / block_count;
  let block = index % block_count;
  let row = 5u * sequence;
  let key = vec2u(sequences_B5[row] ^ site_2[0], sequences_B5[row + 1u] ^ site_2[1]);
  let counter = vec4u(block, sequences_B5[row + 3u], sequences_B5[row + 2u], sequences_B5[row + 4u]);
  var words = philox4x32(counter, key, 10u * groups.z);
  let begin = sequence * length + 4u * block;
  let end = min(begin + 4u, (sequence + 1u) * length);
  for (var element = begin; element < end; element++) {
    var y = select(SCALE * x_BTC[element], 0.0, words.x < THRESHOLD);
    if (RESIDUAL == 1u) {
      y += residual_BTC[element];
    }
    y_BTC[element] = y;
    words = words.yzwx;
  }
}
