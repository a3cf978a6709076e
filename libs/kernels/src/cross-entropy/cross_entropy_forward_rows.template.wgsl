#expand cross_entropy_forward_short short pack=vec4f width=4
#expand cross_entropy_forward_short_odd short odd pack=f32 width=1
#expand cross_entropy_forward_middle middle pack=vec4f width=4
#expand cross_entropy_forward_middle_odd middle odd pack=f32 width=1
#expand cross_entropy_forward_long long pack=vec4f width=4
#expand cross_entropy_forward_long_odd long odd pack=f32 width=1
// ${name} — loss = lse - logit of the target, lse = log(sum exp(logits)), per row; ignored rows lose 0
// Shapes:   logits[N,V] targets[N] -> loss[N] lse[N]
#if short
// Dispatch: R lanes of a subgroup per row, WG / R rows per workgroup; needs: subgroups of R lanes at least
#else
#if middle
// Dispatch: one workgroup of WG invocations per row; needs: 4 V bytes of workgroup memory
#else
// Dispatch: one workgroup of WG invocations per row; needs: f32 only
#end
#end
#if short
// Method:   a row is held in registers, K packs by each of its lanes: maximum, then the sum of exponentials
#else
#if middle
// Method:   a row is held in workgroup memory: maximum, then the sum of exponentials
#else
// Method:   nothing is held: maximum and sum of exponentials in one pass, the sum scaled as the maximum grows
#end
#end
// Source:   Milakov & Gimelshein 2018 (arXiv:1805.02867); OneFlow 0.9 softmax.cuh; CPU twin cross-entropy.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(V)) 2^-23 of the largest entry vs f64
#if short
enable subgroups;
#end
@group(0) @binding(0) var<storage, read> logits_NV: array<${pack}>; // [N,V] logits of each row, in packs
@group(0) @binding(1) var<storage, read> targets_N: array<u32>; // [N] class of each row, < V, or IGNORED
@group(0) @binding(2) var<storage, read_write> loss_N: array<f32>; // [N] loss of each row
@group(0) @binding(3) var<storage, read_write> lse_N: array<f32>; // [N] log of the sum of exponentials
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override V: u32;
#if short
override R: u32; // lanes of a row, a power of two
override K: u32; // packs of a lane, 8 at most
#end
alias Pack = ${pack};
override PACKS: u32 = V / ${width}u; // of a row
// -1 as u32: a row that counts nothing.
const IGNORED = 0xffffffffu;
// Less than every logit, but no infinity: the difference of two is no number.
const LEAST = -1e30;
#if middle
var<workgroup> kept: array<Pack, PACKS>;
#end

// include row_reduction

#if odd
fn largest_of(x: Pack) -> f32 {
  return x;
}

fn logit(row: u32, id: u32) -> f32 {
  return logits_NV[row * V + id];
}
#else
fn largest_of(x: Pack) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

fn logit(row: u32, id: u32) -> f32 {
  return logits_NV[(row * V + id) / 4u][id % 4u];
}
#end

#if short
fn load(start: u32, i: u32) -> Pack {
  if (i < PACKS) {
    return logits_NV[start + i];
  }
  // Adds nothing to the sum of exponentials.
  return Pack(LEAST);
}

#end
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
  var largest = LEAST;
  var sum = 0.0;
#if short
#for j 8
  var x${j} = Pack(LEAST);
#end
#for j 8
  if (${j}u < K) { x${j} = load(start, first + ${j}u * R); largest = max(largest, largest_of(x${j})); }
#end
#else
  for (var i = first; i < PACKS; i += WG) {
    let x = logits_NV[start + i];
#if middle
    kept[i] = x;
    largest = max(largest, largest_of(x));
#else
    let larger = max(largest, largest_of(x));
    sum = sum * exp(largest - larger) + total(exp(x - larger));
    largest = larger;
#end
  }
#end
  let maximum = row_max(largest, lane);
#if short
#for j 8
  if (${j}u < K) { sum += total(exp(x${j} - maximum)); }
#end
#end
#if middle
  for (var i = first; i < PACKS; i += WG) {
    sum += total(exp(kept[i] - maximum));
  }
#end
#if long
  sum *= exp(largest - maximum);
#end
  let lse = maximum + log(row_sum(sum, lane));
#if short
  if (own_row >= N) {
    return;
  }
#end
  if (first != 0u) {
    return;
  }
  lse_N[row] = lse;
  let target_id = targets_N[row];
  if (target_id == IGNORED) {
    loss_N[row] = 0.0;
  } else {
    loss_N[row] = lse - logit(row, target_id);
  }
}
