//! The arithmetic of pools, earnings and eras. Pure: numbers in, numbers out.
//!
//! Amounts are in the token's smallest unit, blocks are numbers. Every division says where its
//! rest goes.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::U256;
use sp_runtime::Perbill;

/// Earnings per share are kept in units of 2^-96: fine enough that what is carried on is dust.
const FRACTION_BITS: usize = 96;

/// A pool takes nothing more once slashes left a share with less than one part in so many.
pub const MOST_SHARES_PER_UNIT: u128 = 1 << 20;

/// Parts per million.
const MILLION: u128 = 1_000_000;

/// `⌊a · b / c⌋`, and 0 for `c = 0`. The most there is, should it not fit.
pub fn mul_div(a: u128, b: u128, c: u128) -> u128 {
	quotient(U256::from(a).saturating_mul(b.into()), c)
}

/// `⌈a · b / c⌉`, and 0 for `c = 0`. The most there is, should it not fit.
pub fn mul_div_up(a: u128, b: u128, c: u128) -> u128 {
	// Two numbers of 128 bits always fit.
	let product = U256::from(a).saturating_mul(b.into());
	quotient(product.saturating_add(c.saturating_sub(1).into()), c)
}

fn quotient(a: U256, c: u128) -> u128 {
	a.checked_div(c.into())
		.map_or(0, |quotient| u128::try_from(quotient).unwrap_or(u128::MAX))
}

/// Who owns how much of what is delegated to one operator.
///
/// The tokens stay on hold in the delegators' accounts. A slash lowers `balance`, and with it what
/// every share is worth, at once; what it takes is collected from an account when the account is
/// next looked at. So what all accounts hold is `balance + uncollected`, always.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Default,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Shares {
	/// All shares.
	pub total: u128,
	/// Those that earn; the others are unbonding.
	pub active: u128,
	/// What all shares are worth together.
	pub balance: u128,
	/// What slashes took and the delegators' accounts still hold.
	pub uncollected: u128,
}

/// What redeemed shares bring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Redeemed {
	/// To the delegator.
	pub paid: u128,
	/// To the treasury: what slashes took, and what rounding left of a last share.
	pub forfeited: u128,
}

impl Shares {
	/// What `shares` are worth, rounded down.
	pub fn worth(&self, shares: u128) -> u128 {
		mul_div(shares, self.balance, self.total)
	}

	/// The fewest shares that are worth `amount`; all there are, if these aren't.
	pub fn covering(&self, amount: u128) -> u128 {
		mul_div_up(amount, self.total, self.balance).min(self.total)
	}

	/// Sells shares for `amount`, rounded down; the rest is everybody's. None if that is no share,
	/// or slashes left so little that shares can't be told apart.
	pub fn issue(&mut self, amount: u128) -> Option<u128> {
		let issued = if self.total == 0 {
			amount
		} else {
			if self.balance.checked_mul(MOST_SHARES_PER_UNIT)? < self.total {
				return None;
			}
			mul_div(amount, self.total, self.balance)
		};
		let total = self.total.checked_add(issued)?;
		let balance = self.balance.checked_add(amount)?;
		if issued == 0 {
			return None;
		}
		self.total = total;
		self.balance = balance;
		self.active = self.active.saturating_add(issued);
		Some(issued)
	}

	/// Makes active `shares` unbonding ones.
	pub fn deactivate(&mut self, shares: u128) {
		self.active = self.active.saturating_sub(shares);
	}

	/// Takes `fraction`, rounded down, off what all shares are worth; returns what that is.
	pub fn slash(&mut self, fraction: Perbill) -> u128 {
		let taken = fraction.mul_floor(self.balance);
		self.balance = self.balance.saturating_sub(taken);
		self.uncollected = self.uncollected.saturating_add(taken);
		taken
	}

	/// What slashes took of an account with `shares` that holds `held`; counts it as collected.
	pub fn collect(&mut self, shares: u128, held: u128) -> u128 {
		let keeps = mul_div_up(shares, self.balance, self.total);
		let taken = held.saturating_sub(keeps).min(self.uncollected);
		self.uncollected = self.uncollected.saturating_sub(taken);
		taken
	}

	/// Destroys `shares` of the `owned` ones of an account that holds `held` for them, after
	/// [`Self::collect`]. The last share takes everything that is held with it.
	pub fn redeem(&mut self, shares: u128, owned: u128, held: u128) -> Redeemed {
		let paid = self.worth(shares).min(held);
		self.total = self.total.saturating_sub(shares);
		self.active = self.active.min(self.total);
		self.balance = self.balance.saturating_sub(paid);
		let forfeited = if shares < owned { 0 } else { held.saturating_sub(paid) };
		let slashed = forfeited.min(self.uncollected);
		self.uncollected = self.uncollected.saturating_sub(slashed);
		self.balance = self.balance.saturating_sub(forfeited.saturating_sub(slashed));
		Redeemed { paid, forfeited }
	}
}

/// What the delegators of one operator earn: it becomes due little by little, to whoever has
/// active shares while it does.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Default,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Stream {
	/// What one share has ever earned, in 2^-96 of the smallest unit.
	pub per_share: U256,
	/// What was due and couldn't be divided by the shares, in 2^-96 of the smallest unit.
	pub carry: u128,
	/// What isn't due yet.
	pub dripping: u128,
	/// The block up to which everything due has been shared out.
	pub since: u64,
	/// The block in which the last of what is dripping becomes due.
	pub until: u64,
	/// Earned and not paid out, with what isn't due yet.
	pub unclaimed: u128,
}

impl Stream {
	/// Shares out what became due up to `now` among `active` shares. Returns what became due while
	/// there were none, and is nobody's.
	pub fn advance(&mut self, now: u64, active: u128) -> u128 {
		let due = if now >= self.until {
			self.dripping
		} else {
			let passed = now.saturating_sub(self.since);
			mul_div(self.dripping, passed.into(), self.until.saturating_sub(self.since).into())
		};
		self.since = self.since.max(now);
		if due == 0 {
			return 0;
		}
		self.dripping = self.dripping.saturating_sub(due);
		let all = (U256::from(due) << FRACTION_BITS).saturating_add(self.carry.into());
		match (all.checked_div(active.into()), all.checked_rem(active.into())) {
			(Some(each), Some(rest)) => {
				self.per_share = self.per_share.saturating_add(each);
				self.carry = rest.low_u128();
				0
			},
			_ => {
				self.unclaimed = self.unclaimed.saturating_sub(due);
				due
			},
		}
	}

	/// Adds earnings that drip for `period` blocks, after [`Self::advance`]. What drips already
	/// ends at the mean of both ends, each weighed by its amount, rounded down: little earnings
	/// don't put off large ones at all.
	pub fn add(&mut self, amount: u128, now: u64, period: u64) {
		let all = self.dripping.saturating_add(amount);
		let left = self.until.saturating_sub(now);
		let weighed = U256::from(self.dripping)
			.saturating_mul(left.into())
			.saturating_add(U256::from(amount).saturating_mul(period.into()));
		let mean = weighed.checked_div(all.into()).map_or(0, |blocks| blocks.low_u64());
		self.dripping = all;
		self.unclaimed = self.unclaimed.saturating_add(amount);
		self.since = now;
		self.until = now.saturating_add(mean.max(1));
	}

	/// What `shares` earned since a share had earned `before`, rounded down.
	pub fn accrued(&self, shares: u128, before: U256) -> u128 {
		let each = self.per_share.saturating_sub(before);
		let all = each.checked_mul(shares.into()).unwrap_or_default() >> FRACTION_BITS;
		u128::try_from(all).unwrap_or_default()
	}
}

/// Splits what an operator with `own` stake earned with the help of `delegated`: its own part with
/// the `commission`, and the delegators' part. They sum to `amount`; the delegators' is rounded
/// down, and so is the commission of it.
pub fn split(amount: u128, own: u128, delegated: u128, commission: Perbill) -> (u128, u128) {
	let shared = mul_div(amount, delegated, own.saturating_add(delegated));
	let delegators = shared.saturating_sub(commission.mul_floor(shared));
	(amount.saturating_sub(delegators), delegators)
}

/// How much of `delegated` counts beside `own`.
pub fn counted(own: u128, delegated: u128, most: u32) -> u128 {
	delegated.min(own.saturating_mul(most.into()))
}

/// What is left of `amount` after all `fractions`, one after the other, each rounded up.
pub fn after(amount: u128, fractions: impl Iterator<Item = Perbill>) -> u128 {
	fractions.fold(amount, |left, fraction| left.saturating_sub(fraction.mul_ceil(left)))
}

/// What may be minted for `blocks`, at a `rate` of the issuance a year.
pub fn budget(issuance: u128, rate: Perbill, blocks: u64, year: u64) -> u128 {
	mul_div(rate.mul_floor(issuance), blocks.into(), year.into())
}

/// The part of `left` for `points` of `all` points left. Whoever is last gets the rest.
pub fn part(left: u128, points: u128, all: u128) -> u128 {
	mul_div(left, points.min(all), all)
}

/// What `earned` in `blocks` would be in a year, in parts per million of the `stake`.
pub fn apr(earned: u128, stake: u128, blocks: u64, year: u64) -> u64 {
	let yearly = mul_div(earned, year.into(), blocks.into());
	u64::try_from(mul_div(yearly, MILLION, stake)).unwrap_or(u64::MAX)
}
