// flash_attention_backward_workgroup — gradients of q, k and v from that of y, for GPUs
// Shapes:   qkv[B,T,(H+2G)D] dy[B,T,HD] lse[B,H,T] inner[B,H,T] -> dqkv[B,T,(H+2G)D]; D <= 8 TX
// Dispatch: one workgroup of WG invocations per 4 WG / TX rows of a key head, then of a query head; needs: 256, 14 KiB
// Method:   rows of a head by 32 columns of the other side at a time: s = q·k and g = dy·v, of which an invocation has
//           4 rows by 32 / TX columns; then 4 x 8 of dk += dsᵀ q and dv += pᵀ dy over the group's heads, or dq += ds k
// Source:   Dao 2023 (arXiv:2307.08691) alg. 2, dq apart; CPU twin flash-attention.cpu.ts
// Checked:  test/conformance.spec.ts, sqrt(T H / G + D) 2^-23 of the largest entry vs f64
// In f16:   qkv_BTE dy_BTC dqkv_BTE
@group(0) @binding(0) var<storage, read> qkv_BTE: array<f32>; // [B,T,(H+2G)D] projections
@group(0) @binding(1) var<storage, read> dy_BTC: array<f32>; // [B,T,HD] gradient of the output
@group(0) @binding(2) var<storage, read> lse_BHT: array<f32>; // [B,H,T] log-sum-exp of the scaled scores
@group(0) @binding(3) var<storage, read> inner_BHT: array<f32>; // [B,H,T] Σ_d dy y
@group(0) @binding(4) var<storage, read_write> dqkv_BTE: array<f32>; // [B,T,(H+2G)D] gradient of the projections
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32; override TX: u32;
override B: u32; override T: u32;
override H: u32; override G: u32; override D: u32;
const COLUMNS = 32u;
const CHUNK = 16u;
var<workgroup> staged: array<vec4f, 256>; // [d][row / 4] of the rows, or [column][d / 4] of what is summed up
var<workgroup> across: array<array<f32, COLUMNS>, CHUNK>; // [d][column]
var<workgroup> factors: array<array<vec4f, 16>, COLUMNS>; // [column][row / 4] p or ds

/** Positions of a head from `start` on, in dy or in qkv. */
struct Side {
  in_dy: bool,
  base: u32,
  start: u32,
}

/** Element d at this position; 0 beyond the edges. */
fn element(side: Side, position: u32, d: u32) -> f32 {
  let row = side.start + position;
  if (row >= T || d >= D) { return 0.0; }
  if (side.in_dy) { return dy_BTC[side.base + row * H * D + d]; }
  return qkv_BTE[side.base + row * (H + 2u * G) * D + d];
}

/** Products of four rows with this invocation's columns. */
fn products(rows: Side, columns: Side, lane: u32) -> array<vec4f, 8> {
  var s = array<vec4f, 8>();
  for (var first = 0u; first < D; first += CHUNK) {
    for (var i = lane; i < CHUNK * WG / TX; i += WG) {
      let d = first + i % CHUNK;
      let row = i / CHUNK * 4u;
      staged[i % CHUNK * 16u + i / CHUNK] = vec4f(
        element(rows, row, d), element(rows, row + 1u, d), element(rows, row + 2u, d), element(rows, row + 3u, d),
      );
    }
    for (var i = lane; i < CHUNK * COLUMNS; i += WG) {
      across[i % CHUNK][i / CHUNK] = element(columns, i / CHUNK, first + i % CHUNK);
    }
    workgroupBarrier();
    for (var d = 0u; d < CHUNK; d++) {
      for (var c = 0u; c < COLUMNS / TX; c++) { s[c] += staged[d * 16u + lane / TX] * across[d][lane % TX + TX * c]; }
    }
    workgroupBarrier();
  }
  return s;
}

/** Adds the columns by their factors to [half][row][d], d = 4 (half TX + x) .. */
fn added(sums: array<mat4x4f, 2>, columns: Side, lane: u32) -> array<mat4x4f, 2> {
  var next = sums;
  let step = 128u / TX;
  for (var first = 0u; first < COLUMNS; first += step) {
    for (var i = lane; i < 256u; i += WG) {
      let j = first + i / (2u * TX);
      let d = i % (2u * TX) * 4u;
      staged[i] = vec4f(
        element(columns, j, d), element(columns, j, d + 1u), element(columns, j, d + 2u), element(columns, j, d + 3u),
      );
    }
    workgroupBarrier();
    for (var j = 0u; j < step; j++) {
      let factor = factors[first + j][lane / TX];
      for (var i = 0u; i < 4u; i++) {
        next[0][i] += factor[i] * staged[j * 2u * TX + lane % TX];
        next[1][i] += factor[i] * staged[j * 2u * TX + TX + lane % TX];
      }
    }
    workgroupBarrier();
  }
  return next;
}

fn store(sums: array<mat4x4f, 2>, base: u32, row: u32, x: u32) {
  for (var i = 0u; i < 32u; i++) {
    let d = (i / 4u % 2u * TX + x) * 4u + i % 4u;
    if (row + i / 8u < T && d < D) {
      dqkv_BTE[base + (row + i / 8u) * (H + 2u * G) * D + d] = sums[i / 4u % 2u][i / 8u][i % 4u];
    }
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles = (T + WG / TX * 4u - 1u) / (WG / TX * 4u);
  let index = first_group + group.y * groups.x + group.x;
  // Uniform in the workgroup, so that barriers stay legal.
  let of_keys = index < B * G * tiles;
  if (index >= B * (G + H) * tiles) { return; }
  let within = select(index - B * G * tiles, index, of_keys);
  let heads = select(H, G, of_keys);
  // Rows with most columns come first: the first keys, the last queries.
  let start = select(tiles - 1u - within / (B * heads), within / (B * heads), of_keys) * (WG / TX * 4u);
  let b = within % (B * heads) / heads;
  let own = within % heads;
  let k = (b * T * (H + 2u * G) + H + select(own / (H / G), own, of_keys)) * D;
  let four = start + lane / TX * 4u + vec4u(0u, 1u, 2u, 3u);
  var sums = array<mat4x4f, 2>();
  var dv = array<mat4x4f, 2>();
  for (var member = 0u; member < select(1u, H / G, of_keys); member++) {
    let head = select(own, own * (H / G) + member, of_keys);
    let q = (b * T * (H + 2u * G) + head) * D;
    let dy = (b * T * H + head) * D;
    for (var other = select(0u, start, of_keys); other < select(start + WG / TX * 4u, T, of_keys); other += COLUMNS) {
      // Keys by queries, or queries by keys.
      let across_q = Side(false, select(k, q, of_keys), other);
      let across_dy = Side(of_keys, select(k + G * D, dy, of_keys), other);
      let s = products(Side(false, select(q, k, of_keys), start), across_q, lane);
      var g = products(Side(!of_keys, select(dy, k + G * D, of_keys), start), across_dy, lane);
      for (var c = 0u; c < COLUMNS / TX; c++) {
        let column = vec4u(other + lane % TX + TX * c);
        let query = select(four, column, of_keys);
        let at = (b * H + head) * T + min(query, vec4u(T - 1u));
        let lse = vec4f(lse_BHT[at.x], lse_BHT[at.y], lse_BHT[at.z], lse_BHT[at.w]);
        let inner = vec4f(inner_BHT[at.x], inner_BHT[at.y], inner_BHT[at.z], inner_BHT[at.w]);
        let hidden = (select(column, four, of_keys) > query) | (query >= vec4u(T));
        let p = select(exp(s[c] * inverseSqrt(f32(D)) - lse), vec4f(), hidden);
        // Dropout of the probabilities belongs here: of g, and of what dv takes.
        factors[lane % TX + TX * c][lane / TX] = p;
        g[c] = p * (g[c] - inner) * inverseSqrt(f32(D));
      }
      if (of_keys) { dv = added(dv, across_dy, lane); }
      for (var c = 0u; c < COLUMNS / TX; c++) { factors[lane % TX + TX * c][lane / TX] = g[c]; }
      sums = added(sums, across_q, lane);
    }
  }
  store(sums, select((b * T * (H + 2u * G) + own) * D, k, of_keys), four.x, lane % TX);
  if (of_keys) { store(dv, k + G * D, four.x, lane % TX); }
}
