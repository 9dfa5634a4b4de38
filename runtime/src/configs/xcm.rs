//! Messages to and from other chains. As little as a parachain needs: the relay chain may pay for
//! executing programs here with the native token; nothing is teleported, held in reserve or
//! governed from elsewhere, and only root sends programs.

use super::{RuntimeBlockWeights, TransactionByteFee, TreasuryAccount};
use crate::{
	deposit, AccountId, AllPalletsWithSystem, Balance, Balances, MessageQueue, ParachainInfo,
	ParachainSystem, PolkadotXcm, Runtime, RuntimeCall, RuntimeEvent, RuntimeHoldReason,
	RuntimeOrigin, WeightToFee, XcmpQueue, MILLIUNIT,
};
use core::marker::PhantomData;
use cumulus_primitives_core::{AggregateMessageOrigin, ParaId};
use frame_support::{
	parameter_types,
	traits::{
		fungible::HoldConsideration, tokens::imbalance::ResolveTo, ConstU32, Equals, Everything,
		LinearStoragePrice, Nothing, QueueFootprint, QueuePausedQuery, TransformOrigin,
	},
	weights::Weight,
};
use frame_system::EnsureRoot;
use pallet_message_queue::OnQueueChanged;
use pallet_xcm::{TestWeightInfo, WeightInfo, XcmPassthrough};
use polkadot_runtime_common::xcm_sender::ExponentialPrice;
use sp_runtime::{traits::Convert, Perbill};
use xcm::latest::prelude::*;
use xcm_builder::{
	AccountId32Aliases, AllowHrmpNotificationsFromRelayChain, AllowKnownQueryResponses,
	AllowSubscriptionsFrom, AllowTopLevelPaidExecutionFrom, EnsureXcmOrigin, FixedWeightBounds,
	FrameTransactionalProcessor, FungibleAdapter, IsConcrete, ParentIsPreset, RelayChainAsNative,
	SendXcmFeeToAccount, SignedAccountId32AsNative, SignedToAccountId32,
	SovereignSignedViaLocation, TakeWeightCredit, TrailingSetTopicAsId, UsingComponents,
	WithComputedOrigin, WithUniqueTopic, XcmFeeManagerFromComponents,
};
use xcm_executor::XcmExecutor;

parameter_types! {
	pub const RootLocation: Location = Location::here();
	pub const RelayLocation: Location = Location::parent();
	pub const NativeCurrency: Location = Location::here();
	// Which relay chain it will be is not decided; accounts of any are named without a network.
	pub const RelayNetwork: Option<NetworkId> = None;
	pub RelayChainOrigin: RuntimeOrigin = cumulus_pallet_xcm::Origin::Relay.into();
	pub UniversalLocation: InteriorLocation =
		[Parachain(ParachainInfo::parachain_id().into())].into();
	/// One instruction: certainly more than any of them takes.
	pub UnitWeightCost: Weight = Weight::from_parts(1_000_000_000, 64 * 1024);
	pub const MaxInstructions: u32 = 100;
	pub const MaxAssetsIntoHolding: u32 = 8;
	pub FeeAssetId: AssetId = AssetId(NativeCurrency::get());
	pub const BaseDeliveryFee: Balance = 30 * MILLIUNIT;
	pub const AliasDepositPerItem: Balance = deposit(1, 0);
	pub const AliasDepositPerByte: Balance = deposit(0, 1);
	pub const AuthorizeAliasHoldReason: RuntimeHoldReason =
		RuntimeHoldReason::PolkadotXcm(pallet_xcm::HoldReason::AuthorizeAlias);
	pub MessageQueueServiceWeight: Weight =
		Perbill::from_percent(35) * RuntimeBlockWeights::get().max_block;
}

/// Which account a location is here.
pub type LocationToAccountId =
	(ParentIsPreset<AccountId>, AccountId32Aliases<RelayNetwork, AccountId>);

/// Moves the native token for a program.
pub type AssetTransactor =
	FungibleAdapter<Balances, IsConcrete<NativeCurrency>, LocationToAccountId, AccountId, ()>;

/// Which origin a program's `Transact` has. The relay chain is an account here, not root.
pub type XcmOriginToTransactDispatchOrigin = (
	SovereignSignedViaLocation<LocationToAccountId, RuntimeOrigin>,
	RelayChainAsNative<RelayChainOrigin, RuntimeOrigin>,
	SignedAccountId32AsNative<RelayNetwork, RuntimeOrigin>,
	XcmPassthrough<RuntimeOrigin>,
);

/// Which programs are executed at all.
pub type Barrier = TrailingSetTopicAsId<(
	TakeWeightCredit,
	AllowKnownQueryResponses<PolkadotXcm>,
	WithComputedOrigin<
		(
			AllowTopLevelPaidExecutionFrom<Equals<RelayLocation>>,
			AllowSubscriptionsFrom<Equals<RelayLocation>>,
			AllowHrmpNotificationsFromRelayChain,
		),
		UniversalLocation,
		ConstU32<8>,
	>,
)>;

/// What a program's weight is taken to be.
pub type Weigher = FixedWeightBounds<UnitWeightCost, RuntimeCall, MaxInstructions>;

/// Runs programs.
pub struct XcmConfig;

impl xcm_executor::Config for XcmConfig {
	type RuntimeCall = RuntimeCall;
	type XcmSender = XcmRouter;
	type XcmEventEmitter = PolkadotXcm;
	type AssetTransactor = AssetTransactor;
	type OriginConverter = XcmOriginToTransactDispatchOrigin;
	type IsReserve = Nothing;
	type IsTeleporter = Nothing;
	type Aliasers = Nothing;
	type UniversalLocation = UniversalLocation;
	type Barrier = Barrier;
	type Weigher = Weigher;
	type Trader = UsingComponents<
		WeightToFee,
		NativeCurrency,
		AccountId,
		Balances,
		ResolveTo<TreasuryAccount, Balances>,
	>;
	type ResponseHandler = PolkadotXcm;
	type AssetTrap = PolkadotXcm;
	type AssetLocker = ();
	type AssetExchanger = ();
	type SubscriptionService = PolkadotXcm;
	type PalletInstancesInfo = AllPalletsWithSystem;
	type MaxAssetsIntoHolding = MaxAssetsIntoHolding;
	type FeeManager = XcmFeeManagerFromComponents<
		Equals<RootLocation>,
		SendXcmFeeToAccount<Self::AssetTransactor, TreasuryAccount>,
	>;
	type MessageExporter = ();
	type UniversalAliases = Nothing;
	type CallDispatcher = RuntimeCall;
	type SafeCallFilter = Everything;
	type TransactionalProcessor = FrameTransactionalProcessor;
	type HrmpNewChannelOpenRequestHandler = ();
	type HrmpChannelAcceptedHandler = ();
	type HrmpChannelClosingHandler = ();
	type XcmRecorder = PolkadotXcm;
}

/// Where a local signer is, as a location.
pub type LocalOriginToLocation = SignedToAccountId32<RuntimeOrigin, AccountId, RelayNetwork>;

/// What sending to the relay chain costs: more when its queue is full.
pub type PriceForParentDelivery =
	ExponentialPrice<FeeAssetId, BaseDeliveryFee, TransactionByteFee, ParachainSystem>;
/// What sending to a sibling costs.
pub type PriceForSiblingDelivery =
	ExponentialPrice<FeeAssetId, BaseDeliveryFee, TransactionByteFee, XcmpQueue>;

/// How programs leave.
pub type XcmRouter = WithUniqueTopic<(
	cumulus_primitives_utility::ParentAsUmp<ParachainSystem, PolkadotXcm, PriceForParentDelivery>,
	XcmpQueue,
)>;

impl pallet_xcm::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type Currency = Balances;
	type CurrencyMatcher = ();
	type AuthorizedAliasConsideration = HoldConsideration<
		AccountId,
		Balances,
		AuthorizeAliasHoldReason,
		LinearStoragePrice<AliasDepositPerItem, AliasDepositPerByte, Balance>,
	>;
	// No converter: root alone.
	type SendXcmOrigin = EnsureXcmOrigin<RuntimeOrigin, ()>;
	type XcmRouter = XcmRouter;
	type ExecuteXcmOrigin = EnsureXcmOrigin<RuntimeOrigin, LocalOriginToLocation>;
	type XcmExecuteFilter = Nothing;
	type XcmExecutor = XcmExecutor<XcmConfig>;
	type XcmTeleportFilter = Nothing;
	type XcmReserveTransferFilter = Nothing;
	type Weigher = Weigher;
	type UniversalLocation = UniversalLocation;
	type RuntimeOrigin = RuntimeOrigin;
	type RuntimeCall = RuntimeCall;
	const VERSION_DISCOVERY_QUEUE_SIZE: u32 = 100;
	type AdvertisedXcmVersion = pallet_xcm::CurrentXcmVersion;
	type AdminOrigin = EnsureRoot<AccountId>;
	type TrustedLockers = ();
	type SovereignAccountOf = LocationToAccountId;
	type MaxLockers = ConstU32<8>;
	type MaxRemoteLockConsumers = ConstU32<0>;
	type RemoteLockConsumerIdentifier = ();
	type WeightInfo = BoundedWeights;
}

/// What the calls of the XCM pallet weigh. The pallet comes with no measured weights, only with some
/// for tests that count neither storage nor proof, and most of its calls can't be measured here, where
/// nothing is transferred and only root sends. So each is given more than any of them takes: the work
/// of an instruction, and as many storage items as the largest measured one of other chains touches.
pub struct BoundedWeights;

impl BoundedWeights {
	fn of(untracked: Weight) -> Weight {
		let storage = <Runtime as frame_system::Config>::DbWeight::get().reads_writes(16, 8);
		untracked.saturating_add(storage).saturating_add(UnitWeightCost::get())
	}
}

/// Adds what the weights for tests leave out.
macro_rules! bounded_weights {
	($($name:ident($($argument:ident)?),)*) => {
		impl WeightInfo for BoundedWeights {
			$(fn $name($($argument: u32)?) -> Weight {
				Self::of(<TestWeightInfo as WeightInfo>::$name($($argument)?))
			})*

			// Both work on bytes alone, and are charged together with one of the above.
			fn weigh_message(bytes: u32) -> Weight {
				<TestWeightInfo as WeightInfo>::weigh_message(bytes)
			}

			fn decode_xcm(bytes: u32) -> Weight {
				<TestWeightInfo as WeightInfo>::decode_xcm(bytes)
			}
		}
	};
}

bounded_weights! {
	send(),
	teleport_assets(),
	reserve_transfer_assets(),
	transfer_assets(),
	execute(),
	force_xcm_version(),
	force_default_xcm_version(),
	force_subscribe_version_notify(),
	force_unsubscribe_version_notify(),
	force_suspension(),
	migrate_supported_version(),
	migrate_version_notifiers(),
	already_notified_target(),
	notify_current_targets(),
	notify_target_migration_fail(),
	migrate_version_notify_targets(),
	migrate_and_notify_old_targets(),
	new_query(),
	take_response(),
	claim_assets(count),
	add_authorized_alias(),
	remove_authorized_alias(),
}

impl cumulus_pallet_xcm::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type XcmExecutor = XcmExecutor<XcmConfig>;
}

/// A sibling's message, as the message queue names its origin.
pub struct ParaIdToSibling;

impl Convert<ParaId, AggregateMessageOrigin> for ParaIdToSibling {
	fn convert(para: ParaId) -> AggregateMessageOrigin {
		AggregateMessageOrigin::Sibling(para)
	}
}

/// Tells the siblings' queue what concerns it: the message queue also serves the relay chain's.
pub struct SiblingsOnly<Queue>(PhantomData<Queue>);

impl<Queue: QueuePausedQuery<ParaId>> QueuePausedQuery<AggregateMessageOrigin>
	for SiblingsOnly<Queue>
{
	fn is_paused(origin: &AggregateMessageOrigin) -> bool {
		match origin {
			AggregateMessageOrigin::Sibling(para) => Queue::is_paused(para),
			_ => false,
		}
	}
}

impl<Queue: OnQueueChanged<ParaId>> OnQueueChanged<AggregateMessageOrigin> for SiblingsOnly<Queue> {
	fn on_queue_changed(origin: AggregateMessageOrigin, footprint: QueueFootprint) {
		if let AggregateMessageOrigin::Sibling(para) = origin {
			Queue::on_queue_changed(para, footprint);
		}
	}
}

impl cumulus_pallet_xcmp_queue::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ChannelInfo = ParachainSystem;
	type VersionWrapper = PolkadotXcm;
	type XcmpQueue = TransformOrigin<MessageQueue, AggregateMessageOrigin, ParaId, ParaIdToSibling>;
	type MaxInboundSuspended = ConstU32<1_000>;
	type MaxActiveOutboundChannels = ConstU32<128>;
	// Larger than the 102,400 bytes that a channel's messages may have.
	type MaxPageSize = ConstU32<{ 103 * 1024 }>;
	type ControllerOrigin = EnsureRoot<AccountId>;
	type ControllerOriginConverter = XcmOriginToTransactDispatchOrigin;
	type PriceForSiblingDelivery = PriceForSiblingDelivery;
	type WeightInfo = cumulus_pallet_xcmp_queue::weights::SubstrateWeight<Runtime>;
}

impl pallet_message_queue::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_message_queue::weights::SubstrateWeight<Runtime>;
	#[cfg(not(feature = "runtime-benchmarks"))]
	type MessageProcessor =
		xcm_builder::ProcessXcmMessage<AggregateMessageOrigin, XcmExecutor<XcmConfig>, RuntimeCall>;
	// The benchmarks are about the queue, not about what is in it.
	#[cfg(feature = "runtime-benchmarks")]
	type MessageProcessor =
		pallet_message_queue::mock_helpers::NoopMessageProcessor<AggregateMessageOrigin>;
	type Size = u32;
	type QueueChangeHandler = SiblingsOnly<XcmpQueue>;
	type QueuePausedQuery = SiblingsOnly<XcmpQueue>;
	type HeapSize = ConstU32<{ 103 * 1024 }>;
	type MaxStale = ConstU32<8>;
	type ServiceWeight = MessageQueueServiceWeight;
	type IdleMaxServiceWeight = MessageQueueServiceWeight;
}
