//! EC2: the network that an account sees: its own, and what other accounts share with it.

use crate::core::records::{SUBNETS, SubnetRecord, VPCS, Vpc};
use crate::core::world::World;

/// The subnets that the account sees, each with the account that has it: its own, and what others share with it. It sees
/// nothing else of theirs, such as their security groups, endpoints and route tables (VPC user guide, "Share your VPC
/// subnets with other accounts": "Participants cannot view … resources that belong to … the VPC owner"; of route tables that
/// is a guess).
pub fn subnets(world: &World) -> Vec<(String, SubnetRecord)> {
    let account = world.account();
    let all = world.accounts().into_iter().flat_map(|owner| {
        let of = world.list_of::<SubnetRecord>(&owner, SUBNETS);
        of.into_iter().map(move |subnet| (owner.clone(), subnet))
    });
    all.filter(|(owner, subnet)| *owner == account || subnet.shared_with.contains(&account)).collect()
}

/// The subnet of this id, if the account sees it.
pub fn subnet(world: &World, id: &str) -> Option<SubnetRecord> {
    subnets(world).into_iter().map(|(_, subnet)| subnet).find(|subnet| subnet.id == id)
}

/// The VPCs that the account sees, each with the account that has it: its own, and those around what is shared with it.
pub fn vpcs(world: &World) -> Vec<(String, Vpc)> {
    let (account, subnets) = (world.account(), subnets(world));
    let all = world.accounts().into_iter().flat_map(|owner| {
        let of = world.list_of::<Vpc>(&owner, VPCS);
        of.into_iter().map(move |vpc| (owner.clone(), vpc))
    });
    let holds = |owner: &String, vpc: &Vpc| subnets.iter().any(|(of, subnet)| of == owner && subnet.vpc == vpc.id);
    all.filter(|(owner, vpc)| *owner == account || holds(owner, vpc)).collect()
}

/// Returns `true` if the account sees a VPC of this id.
pub fn has_vpc(world: &World, id: &str) -> bool {
    vpcs(world).iter().any(|(_, vpc)| vpc.id == id)
}
