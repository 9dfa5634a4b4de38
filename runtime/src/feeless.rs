//! What is free comes first: a worker's statement has a deadline and no tip to bid with.

use crate::{Runtime, RuntimeCall};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use frame_support::{dispatch::DispatchResult, pallet_prelude::TransactionSource, weights::Weight};
use frame_system::ensure_signed;
use pallet_skip_feeless_payment::{Intermediate, SkipCheckIfFeeless};
use pallet_transaction_payment::ChargeTransactionPayment;
use scale_info::TypeInfo;
use sp_runtime::{
	traits::{
		DispatchInfoOf, DispatchOriginOf, Implication, PostDispatchInfoOf, TransactionExtension,
		TransactionExtensionMetadata, ValidateResult,
	},
	transaction_validity::{TransactionPriority, TransactionValidityError},
};

type Payment = ChargeTransactionPayment<Runtime>;
type Wrapped = SkipCheckIfFeeless<Runtime, Payment>;

/// The place in the pool of what is free. A priority is what a block full of such transactions
/// would tip in all: nobody pays that much, which is millions of DONA. What is operational has no
/// fixed place there, and may come later: a part of every block is kept for it.
pub const FEELESS_PRIORITY: TransactionPriority = TransactionPriority::MAX / 2;

/// Payment of fees, but what is free costs nothing and comes first. From the outside it is the
/// payment of fees.
///
/// Of each signer only one free transaction is in the pool at a time: it was worth its place when
/// it came, but whether the next one is free can only be said after it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking)]
pub struct FeelessFirst(Wrapped);

impl From<Payment> for FeelessFirst {
	fn from(payment: Payment) -> Self {
		Self(payment.into())
	}
}

impl TypeInfo for FeelessFirst {
	type Identity = Payment;

	fn type_info() -> scale_info::Type {
		Payment::type_info()
	}
}

impl TransactionExtension<RuntimeCall> for FeelessFirst {
	const IDENTIFIER: &'static str = <Wrapped as TransactionExtension<RuntimeCall>>::IDENTIFIER;
	type Implicit = <Wrapped as TransactionExtension<RuntimeCall>>::Implicit;
	type Val = <Wrapped as TransactionExtension<RuntimeCall>>::Val;
	type Pre = <Wrapped as TransactionExtension<RuntimeCall>>::Pre;

	fn metadata() -> Vec<TransactionExtensionMetadata> {
		<Wrapped as TransactionExtension<RuntimeCall>>::metadata()
	}

	fn implicit(&self) -> Result<Self::Implicit, TransactionValidityError> {
		<Wrapped as TransactionExtension<RuntimeCall>>::implicit(&self.0)
	}

	fn weight(&self, call: &RuntimeCall) -> Weight {
		self.0.weight(call)
	}

	fn validate(
		&self,
		origin: DispatchOriginOf<RuntimeCall>,
		call: &RuntimeCall,
		info: &DispatchInfoOf<RuntimeCall>,
		len: usize,
		implicit: Self::Implicit,
		implication: &impl Implication,
		source: TransactionSource,
	) -> ValidateResult<Self::Val, RuntimeCall> {
		let (mut valid, val, origin) =
			self.0.validate(origin, call, info, len, implicit, implication, source)?;
		if matches!(val, Intermediate::Skip(_)) {
			valid.priority = FEELESS_PRIORITY;
			let signer = ensure_signed(origin.clone()).ok();
			valid.provides.push(("dodona/feeless", signer).encode());
		}
		Ok((valid, val, origin))
	}

	fn prepare(
		self,
		val: Self::Val,
		origin: &DispatchOriginOf<RuntimeCall>,
		call: &RuntimeCall,
		info: &DispatchInfoOf<RuntimeCall>,
		len: usize,
	) -> Result<Self::Pre, TransactionValidityError> {
		self.0.prepare(val, origin, call, info, len)
	}

	fn post_dispatch_details(
		pre: Self::Pre,
		info: &DispatchInfoOf<RuntimeCall>,
		post_info: &PostDispatchInfoOf<RuntimeCall>,
		len: usize,
		result: &DispatchResult,
	) -> Result<Weight, TransactionValidityError> {
		<Wrapped as TransactionExtension<RuntimeCall>>::post_dispatch_details(
			pre, info, post_info, len, result,
		)
	}
}
