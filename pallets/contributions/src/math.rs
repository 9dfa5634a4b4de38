//! The arithmetic of royalties. Pure: numbers in, numbers out.
//!
//! Amounts are in the token's smallest unit, blocks are numbers, and a share is counted in parts of
//! which [`WHOLE`] are all that a model earns. What an entry has earned is counted in amount × parts,
//! exactly: nothing is rounded until it is paid, and then the rest stays the entry's.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::U256;
use sp_runtime::Perbill;

/// Parts in a billionth: so fine that a share can grow by whole parts each block.
const FRACTION_BITS: u32 = 32;

/// Parts in all that a model earns.
pub const WHOLE: u128 = 1_000_000_000 << FRACTION_BITS;

/// Most blocks that a share vests over: the least share grows by a part in each of them.
pub const MOST_VESTING: u64 = 1 << FRACTION_BITS;

/// A share in parts.
pub fn parts(share: Perbill) -> u128 {
	u128::from(share.deconstruct()) << FRACTION_BITS
}

/// Parts as a share, rounded down.
pub fn share_of(parts: u128) -> Perbill {
	Perbill::from_parts(u32::try_from(parts >> FRACTION_BITS).unwrap_or(u32::MAX))
}

/// An amount that covers so many amounts × parts.
fn covering(earned: U256) -> u128 {
	let rounded = earned.saturating_add(U256::from(WHOLE.saturating_sub(1)));
	whole(rounded)
}

/// The amount in so many amounts × parts, rounded down.
fn whole(earned: U256) -> u128 {
	let amount = earned.checked_div(WHOLE.into()).unwrap_or_default();
	u128::try_from(amount).unwrap_or(u128::MAX)
}

/// What a model has earned, as far as its entries have a part in it.
///
/// An entry earns `amount · parts` of each amount, where the parts of one that vests grow by the
/// same number each block. So the sum of amounts and the sum of `amount · block` tell what each
/// entry earned since it was last looked at, and nobody needs to look at all of them.
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
pub struct Royalties {
	/// All that was ever shared out.
	pub total: u128,
	/// The sum of each amount that was shared out, times its block.
	pub timed: U256,
	/// Parts of the entries that have vested.
	pub vested: u128,
	/// Parts by which those that vest grow each block, together.
	pub rate: u128,
	/// What `rate · block` has too much: the sum of each rate times the block it began in.
	pub begun: u128,
	/// What all entries earned that isn't paid, in amount × parts.
	pub owed: U256,
}

/// What an entry earns.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Earner {
	/// The whole share.
	pub share: Perbill,
	/// The block that its share grows from.
	pub from: u64,
	/// The block from which the whole share counts.
	pub until: u64,
	/// Whether the whole share counts.
	pub is_vested: bool,
	/// [`Royalties::total`] when it was last looked at.
	pub total: u128,
	/// [`Royalties::timed`] when it was last looked at.
	pub timed: U256,
	/// Earned until then and not paid, in amount × parts.
	pub earned: U256,
}

/// What an entry leaves behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
	/// Its holder's.
	pub paid: u128,
	/// Nobody's: what it had of a smallest unit, if nothing else needs that unit.
	pub dust: u128,
}

impl Earner {
	/// Parts by which the share grows each block, rounded down.
	pub(crate) fn rate(&self) -> u128 {
		let blocks = self.until.saturating_sub(self.from);
		parts(self.share).checked_div(blocks.into()).unwrap_or_default()
	}

	/// What of the share counts at `now`, in parts.
	pub fn parts_at(&self, now: u64) -> u128 {
		if self.is_vested || now >= self.until {
			parts(self.share)
		} else {
			self.rate().saturating_mul(now.saturating_sub(self.from).into())
		}
	}

	/// What it earned since it was last looked at, in amount × parts.
	fn since(&self, table: &Royalties) -> U256 {
		let amount = U256::from(table.total.saturating_sub(self.total));
		if self.is_vested {
			return amount.saturating_mul(parts(self.share).into());
		}
		table
			.timed
			.saturating_sub(self.timed)
			.saturating_sub(amount.saturating_mul(self.from.into()))
			.saturating_mul(self.rate().into())
	}

	/// What could be paid now, rounded down.
	pub fn pending(&self, table: &Royalties) -> u128 {
		whole(self.unpaid(table))
	}

	/// What it earned that isn't paid, in amount × parts.
	pub fn unpaid(&self, table: &Royalties) -> U256 {
		self.earned.saturating_add(self.since(table))
	}

	fn settle(&mut self, table: &Royalties) {
		self.earned = self.unpaid(table);
		self.total = table.total;
		self.timed = table.timed;
	}
}

impl Royalties {
	/// The parts of all entries at `now`, once those whose vesting is over have
	/// [ripened](Self::ripen).
	pub fn parts_at(&self, now: u64) -> u128 {
		let growing = self.rate.saturating_mul(now.into()).saturating_sub(self.begun);
		self.vested.saturating_add(growing).min(WHOLE)
	}

	/// What covers all that entries earned and wasn't paid.
	pub fn waiting(&self) -> u128 {
		covering(self.owed)
	}

	/// Adds an entry whose share grows over `vesting` blocks. The caller keeps the sum of shares
	/// below one.
	pub fn admit(&mut self, share: Perbill, now: u64, vesting: u64) -> Earner {
		let earner = Earner {
			share,
			from: now,
			until: now.saturating_add(vesting),
			is_vested: vesting == 0,
			total: self.total,
			timed: self.timed,
			earned: U256::zero(),
		};
		if earner.is_vested {
			self.vested = self.vested.saturating_add(parts(share));
		} else {
			self.rate = self.rate.saturating_add(earner.rate());
			let begun = earner.rate().saturating_mul(now.into());
			self.begun = self.begun.saturating_add(begun);
		}
		earner
	}

	fn dismiss(&mut self, earner: &Earner) {
		if earner.is_vested {
			self.vested = self.vested.saturating_sub(parts(earner.share));
		} else {
			self.rate = self.rate.saturating_sub(earner.rate());
			let begun = earner.rate().saturating_mul(earner.from.into());
			self.begun = self.begun.saturating_sub(begun);
		}
	}

	/// The whole share counts from now on. To be called before anything is shared out in or after
	/// the block in which vesting ends.
	pub fn ripen(&mut self, earner: &mut Earner) {
		if earner.is_vested {
			return;
		}
		earner.settle(self);
		self.dismiss(earner);
		earner.is_vested = true;
		self.vested = self.vested.saturating_add(parts(earner.share));
	}

	/// Shares `amount` out at `now`. Returns what of it is set aside for the entries: never more
	/// than there is, and with what was set aside before exactly what covers all that they earned.
	/// None if more was earned than can be counted.
	pub fn share_out(&mut self, amount: u128, now: u64) -> Option<u128> {
		let total = self.total.checked_add(amount)?;
		let before = self.waiting();
		let (amount, parts) = (U256::from(amount), U256::from(self.parts_at(now)));
		self.total = total;
		self.timed = self.timed.saturating_add(amount.saturating_mul(now.into()));
		self.owed = self.owed.saturating_add(amount.saturating_mul(parts));
		Some(self.waiting().saturating_sub(before))
	}

	/// Takes out what an entry can be paid. What it has of the next smallest unit stays its own.
	pub fn pay(&mut self, earner: &mut Earner) -> u128 {
		earner.settle(self);
		let paid = whole(earner.earned);
		let exactly = U256::from(paid).saturating_mul(WHOLE.into());
		earner.earned = earner.earned.saturating_sub(exactly);
		self.owed = self.owed.saturating_sub(exactly);
		paid
	}

	/// Removes an entry.
	pub fn end(&mut self, mut earner: Earner) -> Ended {
		let paid = self.pay(&mut earner);
		self.dismiss(&earner);
		let before = self.waiting();
		self.owed = self.owed.saturating_sub(earner.earned);
		Ended { paid, dust: before.saturating_sub(self.waiting()) }
	}
}

/// What came to a version from versions that were derived from it, through so many models.
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
pub struct Step {
	/// For this version's model, which passes a part of it on.
	pub earned: u128,
	/// For the model that this version's was derived from: passed on whole.
	pub through: u128,
}

/// What a version passes on of its `own` earnings and of what came through 1, 2, … models: as many
/// amounts as there are models that anything climbs through, at most. Of each amount it is `share`,
/// rounded down, and what only comes through. None of the last ones is zero.
pub fn pass_on(own: u128, inherited: &[Step], share: Perbill, most: usize) -> Vec<u128> {
	let earned = core::iter::once(own).chain(inherited.iter().map(|step| step.earned));
	let through = inherited.iter().map(|step| step.through).chain(core::iter::repeat(0));
	let mut passed: Vec<_> = earned
		.zip(through)
		.take(most)
		.map(|(earned, through)| share.mul_floor(earned).saturating_add(through))
		.collect();
	while passed.last() == Some(&0) {
		passed.pop();
	}
	passed
}

/// The sum of amounts.
pub fn sum(amounts: impl IntoIterator<Item = u128>) -> u128 {
	amounts.into_iter().fold(0, u128::saturating_add)
}
