#expand layernorm_forward_short short pack=vec4f width=4
#expand layernorm_forward_short_odd short odd pack=f32 width=1
#expand layernorm_forward_middle middle pack=vec4f width=4
#expand layernorm_forward_middle_odd middle odd pack=f32 width=1
#expand layernorm_forward_long long pack=vec4f width=4
#expand layernorm_forward_long_odd long odd pack=f32 width=1
// ${name} — y = (x - mean) * rstd * weight + bias, per row
// Shapes:   x[N,C] weight[C] bias[C] -> y[N,C] mean[N] rstd[N]
#if short
// Dispatch: R lanes of a subgroup per row, WG / R rows per workgroup; needs: subgroups of R lanes at least
#else
#if middle
// Dispatch: one workgroup of WG invocations per row; needs: 4 C bytes of workgroup memory
#else
// Dispatch: one workgroup of WG invocations per row; needs: f32 only
#end
#end
#if short
// Method:   a row is held in registers, K packs by each of its lanes: mean, then squares of differences
#else
#if middle
// Method:   a row is held in workgroup memory: mean, then squares of differences
#else
// Method:   nothing is held: mean and squares in one pass, joined by Chan's formula; x read twice
#end
#end
// Source:   Ba et al. 2016 (arXiv:1607.06450) eq. 3; OneFlow 0.9 layer_norm.cuh; CPU twin layernorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
// In f16:   x_NC y_NC
#if short
enable subgroups;
#end
@group(0) @binding(0) var<storage, read> x_NC: array<${pack}>; // [N,C] input, in packs as all below
@group(0) @binding(1) var<storage, read> weight_C: array<${pack}>; // [C] scale
@group(0) @binding(2) var<storage, read> bias_C: array<${pack}>; // [C] shift
@group(0) @binding(3) var<storage, read_write> y_NC: array<${pack}>; // [N,C] output
@group(0) @binding(4) var<storage, read_write> mean_N: array<f32>; // [N] row means, kept for the backward
@group(0) @binding(5) var<storage, read_write> rstd_N: array<f32>; // [N] 1 / sqrt(biased variance + eps)
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;
#if short
override R: u32; // lanes of a row, a power of two
override K: u32; // packs of a lane, 8 at most
#end
alias Pack = ${pack};
override PACKS: u32 = C / ${width}u; // of a row
#if middle
var<workgroup> kept: array<Pack, PACKS>;
#end

// include row_reduction

#if short
fn squared(d: Pack, i: u32) -> f32 {
  return select(0.0, total(d * d), i < PACKS);
}

#end
#if short
fn load(start: u32, i: u32) -> Pack {
  if (i < PACKS) {
    return x_NC[start + i];
  }
  return Pack();
}

#end
fn store(start: u32, i: u32, normalised: Pack) {
  if (i < PACKS) {
    y_NC[start + i] = normalised * weight_C[i] + bias_C[i];
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
#if short
  // Lanes of rows beyond the last one work on that again, since shuffles need them, and store nothing.
  let own_row = index * (WG / R) + lane / R;
  let row = min(own_row, N - 1u);
  let first = lane % R;
#else
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
#end
  let start = row * PACKS;
#if long
  var count = 0.0;
  var lane_mean = 0.0;
  var squares = 0.0;
#else
  var sums = Pack();
#end
#if short
#for j 8
  var x${j} = Pack();
#end
#for j 8
  if (${j}u < K) { x${j} = load(start, first + ${j}u * R); sums += x${j}; }
#end
#else
  for (var i = first; i < PACKS; i += WG) {
    let x = x_NC[start + i];
#if middle
    kept[i] = x;
    sums += x;
#else
    let pack_mean = total(x) / ${width}.0;
    let d = x - pack_mean;
    let step = pack_mean - lane_mean;
    let share = ${width}.0 / (count + ${width}.0);
    squares += total(d * d) + step * step * count * share;
    lane_mean += step * share;
    count += ${width}.0;
#end
  }
#end
#if long
  let mean = row_sum(count * lane_mean, lane) / f32(C);
  squares += count * (lane_mean - mean) * (lane_mean - mean);
#else
  let mean = row_sum(total(sums), lane) / f32(C);
  var squares = 0.0;
#end
#if short
#for j 8
  if (${j}u < K) { squares += squared(x${j} - mean, first + ${j}u * R); }
#end
#end
#if middle
  for (var i = first; i < PACKS; i += WG) {
    let d = kept[i] - mean;
    squares += total(d * d);
  }
#end
  let rstd = 1.0 / sqrt(row_sum(squares, lane) / f32(C) + EPSILON);
#if short
  if (own_row >= N) {
    return;
  }
#end
#if short
#for j 8
  if (${j}u < K) { store(start, first + ${j}u * R, (x${j} - mean) * rstd); }
#end
#else
  for (var i = first; i < PACKS; i += WG) {
#if middle
    let x = kept[i];
#else
    let x = x_NC[start + i];
#end
    store(start, i, (x - mean) * rstd);
  }
#end
  if (first == 0u) {
    mean_N[row] = mean;
    rstd_N[row] = rstd;
  }
}
