// flash_attention_forward_workgroup — y = softmax(q kᵀ / sqrt(D), j <= i) v and its log-sum-exp, for GPUs
// Shapes:   qkv[B,T,(H+2G)D] -> y[B,T,HD] lse[B,H,T]; D <= 8 TX
// Dispatch: one workgroup of WG invocations per 4 WG / TX rows of a head; needs: 256 invocations, 14 KiB
// Method:   keys 32 at a time through workgroup memory, TX invocations side by side: each scores 4 rows by 32 / TX keys
//           and sums up 4 rows by 8 columns of y; online softmax; tiles above the diagonal skipped
// Source:   Dao 2023 (arXiv:2307.08691) alg. 1; CPU twin flash-attention.cpu.ts
// Checked:  test/conformance.spec.ts, sqrt(T + D) 2^-23 of the largest entry vs f64
// In f16:   qkv_BTE y_BTC
@group(0) @binding(0) var<storage, read> qkv_BTE: array<f32>; // [B,T,(H+2G)D] projections
@group(0) @binding(1) var<storage, read_write> y_BTC: array<f32>; // [B,T,HD] attended values
@group(0) @binding(2) var<storage, read_write> lse_BHT: array<f32>; // [B,H,T] log-sum-exp of the scaled scores
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override TX: u32;
override B: u32;
override T: u32;
override H: u32;
override G: u32;
override D: u32;
const KEYS = 32u;
const CHUNK = 16u;
const MASKED = -1e30;
var<workgroup> staged: array<vec4f, 256>; // [d][row / 4] of q, or [key][column / 4] of v
var<workgroup> keys: array<array<f32, KEYS>, CHUNK>; // [d][key]
var<workgroup> shared_p: array<array<vec4f, 16>, KEYS>; // [key][row / 4] scores, then weights

/** Element d of the q, k or v row at `base` for this position; 0 beyond the edges. */
fn element(base: u32, position: u32, d: u32) -> f32 {
  let inside = position < T && d < D;
  // select evaluates both: the address is clamped first.
  return select(0.0, qkv_BTE[base + min(position, T - 1u) * (H + 2u * G) * D + min(d, D - 1u)], inside);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row_count = WG / TX * 4u;
  let tiles = (T + row_count - 1u) / row_count;
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so the barriers below stay legal.
  if (index >= B * H * tiles) {
    return;
  }
  // The longest rows come first.
  let tile_row = (tiles - 1u - index / (B * H)) * row_count;
  let b = index % (B * H) / H;
  let head = index % H;
  let q = b * T * (H + 2u * G) * D + head * D;
  let k = b * T * (H + 2u * G) * D + (H + head / (H / G)) * D;
  let x = lane % TX;
  let y = lane / TX;
  let rows = tile_row + y * 4u + vec4u(0u, 1u, 2u, 3u);
  let end = min(T, tile_row + row_count);
  var near = mat4x4f(); // [row][column x * 4 ..]
  var far = mat4x4f(); // [row][column (TX + x) * 4 ..]
  var largest = vec4f(MASKED);
  var sum = vec4f();
  for (var start = 0u; start < end; start += KEYS) {
    var s = array<vec4f, 8>();
    for (var first = 0u; first < D; first += CHUNK) {
      for (var i = lane; i < CHUNK * row_count / 4u; i += WG) {
        let d = first + i % CHUNK;
        let row = tile_row + i / CHUNK * 4u;
        staged[i % CHUNK * 16u + i / CHUNK] =
          vec4f(element(q, row, d), element(q, row + 1u, d), element(q, row + 2u, d), element(q, row + 3u, d));
      }
      for (var i = lane; i < CHUNK * KEYS; i += WG) {
        keys[i % CHUNK][i / CHUNK] = element(k, start + i / CHUNK, first + i % CHUNK);
      }
      workgroupBarrier();
      for (var d = 0u; d < CHUNK; d++) {
        let four = staged[d * 16u + y];
        for (var c = 0u; c < KEYS / TX; c++) {
          s[c] += four * keys[d][x + TX * c];
        }
      }
      workgroupBarrier();
    }
    for (var c = 0u; c < KEYS / TX; c++) {
      let key = vec4u(start + x + TX * c);
      s[c] = select(vec4f(MASKED), s[c] * inverseSqrt(f32(D)), key <= rows);
      shared_p[x + TX * c][y] = s[c];
    }
    workgroupBarrier();
    let before = largest;
    for (var j = 0u; j < KEYS; j++) {
      largest = max(largest, shared_p[j][y]);
    }
    workgroupBarrier();
    let factor = exp(before - largest);
    sum *= factor;
    for (var i = 0u; i < 4u; i++) {
      near[i] *= factor[i];
      far[i] *= factor[i];
    }
    for (var c = 0u; c < KEYS / TX; c++) {
      let p = exp(s[c] - largest);
      sum += p;
      // Dropout of the probabilities belongs here: the sum takes p before it, the values after it.
      shared_p[x + TX * c][y] = p;
    }
    let step = 128u / TX;
    for (var first = 0u; first < KEYS; first += step) {
      for (var i = lane; i < 256u; i += WG) {
        let key = start + first + i / (2u * TX);
        let d = i % (2u * TX) * 4u;
        let v = k + G * D;
        staged[i] =
          vec4f(element(v, key, d), element(v, key, d + 1u), element(v, key, d + 2u), element(v, key, d + 3u));
      }
      workgroupBarrier();
      for (var j = 0u; j < step; j++) {
        let p = shared_p[first + j][y];
        let v_near = staged[j * 2u * TX + x];
        let v_far = staged[j * 2u * TX + TX + x];
        for (var i = 0u; i < 4u; i++) {
          near[i] += p[i] * v_near;
          far[i] += p[i] * v_far;
        }
      }
      workgroupBarrier();
    }
  }
  // Every invocation has summed up the weights of its own keys.
  shared_p[x][y] = sum;
  workgroupBarrier();
  sum = vec4f();
  for (var j = 0u; j < TX; j++) {
    sum += shared_p[j][y];
  }
  for (var i = 0u; i < 4u; i++) {
    let row = rows[i];
    let out = ((b * T + row) * H + head) * D;
    for (var c = 0u; c < 8u; c++) {
      let column = (c / 4u * TX + x) * 4u + c % 4u;
      if (row < T && column < D) {
        y_BTC[out + column] = select(far[i][c % 4u], near[i][c % 4u], c < 4u) / sum[i];
      }
    }
    if (row < T && x == 0u) {
      lse_BHT[(b * H + head) * T + row] = largest[i] + log(sum[i]);
    }
  }
}
